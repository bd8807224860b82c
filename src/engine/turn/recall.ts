import { ClinvkError } from '../../errors.ts'
import type { SessionRecord, SessionStore } from '../../sessions/types.ts'
import type { Backend } from '../backends.ts'
import { type Conversation, type Conversations, sessionNotFound } from '../conversations.ts'
import type { ResolvedOptions } from '../options.ts'
import { lastingPlace } from './prepare.ts'

/** Where sessions are found. */
export interface RecallSetup {
  readonly backends: readonly Backend[]
  readonly conversations: Pick<Conversations, 'find' | 'create'>
  readonly store: Pick<SessionStore, 'get'>
}

/** Finds a session that this process has, or one of the store. @throws `session_not_found`, `backend_not_found` */
export function createRecall({ backends, conversations, store }: RecallSetup) {
  /**
   * The agent's session that a fork can be branched off natively. An agent forks what its session is now, so one that has
   * gone on since, or was in the middle of a turn, is not what was forked.
   */
  const forkableAt = ({ parent, turnCount }: SessionRecord): string | undefined => {
    const original = parent === undefined ? undefined : store.get(parent)
    const same = original?.turnCount === turnCount && original.status !== 'running'
    return same ? original.agentSessionId : undefined
  }

  return (id: string): Conversation => {
    const live = conversations.find(id)
    if (live) return live
    const record = store.get(id)
    if (!record) throw sessionNotFound(id)
    const driver = backends.find((backend) => backend.driver.name === record.backend)?.driver
    if (!driver)
      throw new ClinvkError(
        'backend_not_found',
        `Session "${id}" belongs to the backend ${record.backend}, which is not configured any more.`,
      )
    return conversations.create(id, driver, lastingPlace(record.workdir), record.options as ResolvedOptions, {
      agentSessionId: record.agentSessionId,
      turns: record.turnCount,
      forkOf: forkableAt(record),
    })
  }
}
