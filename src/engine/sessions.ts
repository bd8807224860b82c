import { ClinvkError } from '../errors.ts'
import type {
  SessionChanges,
  SessionFilter,
  SessionPage,
  SessionRecord,
  SessionStore,
  TurnRecord,
} from '../sessions/types.ts'
import { sessionNotFound } from './conversations.ts'

/** A session with everything that was said in it. */
interface WholeSession {
  readonly session: SessionRecord
  readonly turns: readonly TurnRecord[]
}

/** What surfaces can do with sessions besides prompting them. All throw `store_failed` where the store fails. */
export interface Sessions {
  list(filter: SessionFilter): SessionPage
  /**
   * By its id or the beginning of it.
   *
   * @throws `session_not_found`, `invalid_request` where several begin so.
   */
  find(id: string): WholeSession
  /** @throws as `find` */
  change(id: string, changes: SessionChanges): SessionRecord
  /**
   * Removes a session and ends its agent, in the middle of a turn if need be. The beginning of an id has to be at
   * least 8 characters long.
   *
   * @throws as `find`
   */
  remove(id: string): Promise<SessionRecord>
  /**
   * Branches a session off: a new one that has everything that was said up to now. @throws as `find`
   */
  fork(id: string, changes: SessionChanges): SessionRecord
}

/** What the engine does for {@link Sessions}. */
export interface SessionHooks {
  /** Ends what runs of it. */
  readonly end: (id: string) => Promise<void>
  readonly newId: () => string
  readonly now: () => number
}

export function createSessions(store: SessionStore, { end, newId, now }: SessionHooks): Sessions {
  const resolve = (id: string, shortest = 1): SessionRecord => {
    const exact = store.get(id)
    if (exact) return exact
    if (id === '' || !/^[\w-]+$/.test(id)) throw sessionNotFound(id)
    const bare = id.startsWith(PREFIX) ? id.slice(PREFIX.length) : id
    // Those that were taken over from the earlier program have ids without our beginning.
    const all = [PREFIX, ''].flatMap((prefix) => store.startingWith(`${prefix}${bare}`))
    const [found, other] = new Map(all.map((session) => [session.id, session])).values()
    if (!found) throw sessionNotFound(id)
    if (other)
      throw new ClinvkError('invalid_request', `Several sessions begin with "${id}". Give more of the id.`)
    if (bare.length < shortest)
      throw new ClinvkError(
        'invalid_request',
        `"${id}" is too short to remove a session by. Give at least ${shortest} characters behind ${PREFIX}`,
      )
    return found
  }
  return {
    list: (filter) => store.list(filter),
    find(id) {
      const session = resolve(id)
      return { session, turns: store.turns(session.id) }
    },
    change(id, changes) {
      const { id: known } = resolve(id)
      const changed = store.change(known, changes)
      if (!changed) throw sessionNotFound(id)
      return changed
    },
    async remove(id) {
      const session = resolve(id, SHORTEST_TO_REMOVE)
      // First: whoever comes while its agent ends is to find nothing to go on with.
      store.remove(session.id)
      await end(session.id)
      return session
    },
    fork(id, { title, tags }) {
      const parent = resolve(id)
      const forked = newId()
      const given = title ?? (parent.title === undefined ? undefined : `${parent.title} (fork)`)
      store.fork(parent.id, forked, now())
      return (
        store.change(forked, {
          ...(given === undefined ? {} : { title: given }),
          tags: tags ?? parent.tags,
        }) ?? parent
      )
    },
  }
}

const PREFIX = 'ses_'
const SHORTEST_TO_REMOVE = 8
