import { abortError } from '../agents/take-turn.ts'
import { ClinvkError, shuttingDown, toClinvkError } from '../errors.ts'
import { within } from '../process/within.ts'
import type { KeptError, KeptEvent, KeyedRun, RunFilter, RunRecord, RunStore } from '../sessions/run-types.ts'
import { each, type Source } from './each.ts'
import { markNotRun, wasNotRun } from './not-run.ts'

/** What a run begins with. */
export interface RunStart<E> {
  readonly id: string
  /** What it executes, such as `prompt`. */
  readonly kind: string
  /** Names who began it: nobody else sees it. */
  readonly caller: string | undefined
  /** What is told of it before it is over: plain data, without keys and pictures. */
  readonly about: Readonly<Record<string, unknown>>
  /** Its events; nothing happens before the first is asked for. What it throws it failed with. */
  readonly events: AsyncGenerator<E, void>
  /** Ends it. Its events then throw the reason. */
  readonly cancel: (reason: ClinvkError) => void
  /** It goes on when nobody reads it. Else whoever reads it slows it, and ends it by leaving. */
  readonly detached: boolean
  /** Its events are kept. Else it is only known that it was. */
  readonly keepEvents: boolean
  readonly idempotency?: Idempotency | undefined
}

/** One event with its place in its run. */
export interface NumberedEvent<E> {
  readonly sequence: number
  /** Epoch ms. */
  readonly at: number
  readonly event: E
}

/** A run that was begun, now or by an earlier request with the same idempotency key. */
export interface BegunRun<E> {
  readonly run: RunRecord
  /** It was begun earlier: what was to be run now is not. */
  readonly again: boolean
  readonly events: AsyncGenerator<NumberedEvent<E>, void>
}

/** What names a request that may come again. */
export interface Idempotency {
  readonly key: string
  /** Stands for everything that is asked for. */
  readonly hash: string
}

/** Everything that is executed, while it runs and afterwards. All throw `store_failed` where the store fails. */
export interface Runs {
  /**
   * Begins a run, or finds the one that its idempotency key began.
   *
   * @throws `idempotency_conflict` where that was another request.
   */
  begin<E>(start: RunStart<E>): BegunRun<E>
  /**
   * The run that an earlier request with this key began; undefined where there was none.
   *
   * @throws `idempotency_conflict` where that was another request.
   */
  again<E>(idempotency: Idempotency, caller: string | undefined): BegunRun<E> | undefined
  /**
   * Notes that a run is and was, and none of its events. It does not depend on the store: a failure there is
   * reported, and the run goes on without a note.
   */
  note<E>(start: Omit<RunStart<E>, 'detached' | 'keepEvents' | 'idempotency'>): AsyncGenerator<E, void>
  /** @throws `run_not_found`, also for one of another caller. */
  find(id: string, caller: string | undefined): RunRecord
  list(filter: RunFilter): { readonly runs: readonly RunRecord[]; readonly total: number }
  /**
   * The events of a run behind one of them, live to its end. What the run failed with is thrown behind the last.
   *
   * @throws `run_not_found`
   */
  events(
    id: string,
    caller: string | undefined,
    after: number,
    signal: AbortSignal,
  ): AsyncGenerator<NumberedEvent<unknown>, void>
  /** Those that are kept by now. @throws `run_not_found` */
  eventsSoFar(id: string, caller: string | undefined, after: number): NumberedEvent<unknown>[]
  /**
   * Forgets a run. One that is executed here is found no more, goes on for those who follow it already, and is removed
   * when it is over.
   *
   * @throws `run_not_found`, and `invalid_request` for one that another server executes.
   */
  remove(id: string, caller: string | undefined): void
  /** Asks it to end, and waits until it has, for a while. One that is over stays as it is. @throws `run_not_found` */
  cancel(id: string, caller: string | undefined): Promise<RunRecord>
  /** Says that whoever began a run here will not read it. One that goes on without a reader goes on. */
  leave(id: string, reason: ClinvkError): void
  /** Whether this process executes it. */
  isHere(id: string): boolean
  /** Resolves when what is under way here is kept. */
  close(): Promise<void>
}

/** How long events are gathered before they are written, in ms. */
const BATCH_MS = 10
const HOLD_MS = 30_000
const RENEW_MS = 1000
const POLL_MS = 200
const CANCEL_WAIT_MS = 10_000
const PAGE = 500
/** How long those who follow a run that was removed have for its last events, in ms. */
const REMOVE_AFTER_MS = 5000
/** How long the ends of runs may take to be kept when the server ends, in ms. */
const CLOSE_WAIT_MS = 5000
/** How long readers have for the last events where all runs are over because we are about to end, in ms. */
const LAST_WORDS_MS = 1000
/** How many events may wait for a store that cannot take them. */
const MOST_UNWRITTEN = 50_000

/** @param whileWaiting called again and again while a run of another process is followed: that may have died. */
export function createRuns(
  store: RunStore,
  holder: string,
  onFailure: (error: ClinvkError) => void,
  whileWaiting: () => void = () => {},
): Runs {
  const live = new Map<string, LiveRun>()
  const leaving = new Set<string>()

  const find = (id: string, caller: string | undefined): RunRecord => {
    const run = leaving.has(id) ? undefined : store.get(id)
    if (!run || run.caller !== caller) throw runNotFound(id)
    return run
  }

  const readers = new Set<Promise<void>>()
  let closed = false

  async function* read<E>(
    id: string,
    after: number,
    signal: AbortSignal,
  ): AsyncGenerator<NumberedEvent<E>, void> {
    const over = Promise.withResolvers<void>()
    readers.add(over.promise)
    try {
      yield* follow<E>(id, after, signal)
    } finally {
      readers.delete(over.promise)
      over.resolve()
    }
  }

  async function* follow<E>(
    id: string,
    after: number,
    signal: AbortSignal,
  ): AsyncGenerator<NumberedEvent<E>, void> {
    let last = after
    // A reader that was too slow for the end of the server is cut: what it would be told else is not what happened.
    while (!closed) {
      // Asked before the events are: what comes between is then not the last.
      const run = store.get(id)
      const changed = live.get(id)?.changed()
      const page = store.events(id, last, PAGE)
      for (const { sequence, at, event } of page) {
        yield { sequence, at, event: event as E }
        last = sequence
      }
      if (page.length > 0) continue
      if (!run) throw runNotFound(id)
      if (run.status !== 'running') {
        const failure = failureOf(run)
        if (failure) throw failure
        return
      }
      if (!changed) whileWaiting()
      await either(changed ?? Bun.sleep(POLL_MS), signal)
      if (signal.aborted) throw abortError(signal)
    }
  }

  const removeNow = (id: string) => {
    try {
      store.remove(id)
      leaving.delete(id)
    } catch (error) {
      onFailure(toClinvkError(error))
    }
  }

  const toAgain = <E>(
    earlier: KeyedRun,
    hash: string | undefined,
    caller: string | undefined,
  ): BegunRun<E> => {
    if (earlier.hash !== hash)
      throw new ClinvkError(
        'idempotency_conflict',
        'This Idempotency-Key was used with another request. Send a new key for a new request.',
      )
    const never = new AbortController().signal
    return { run: find(earlier.id, caller), again: true, events: read<E>(earlier.id, 0, never) }
  }

  const runs: Runs = {
    begin<E>(start: RunStart<E>): BegunRun<E> {
      const { id, kind, caller, about, idempotency } = start
      const now = Date.now()
      const earlier = store.begin({
        id,
        kind,
        caller,
        about,
        createdAt: now,
        holder,
        heldUntil: now + HOLD_MS,
        ...(idempotency ? { idempotency } : {}),
      })
      if (earlier) return toAgain(earlier, idempotency?.hash, caller)
      const run = createLiveRun(store, start, onFailure, () => live.delete(id))
      live.set(id, run)
      const record = find(id, caller)
      if (!start.detached) return { run: record, again: false, events: run.attached(start.events) }
      run.pump(start.events)
      return { run: record, again: false, events: read<E>(id, 0, new AbortController().signal) }
    },
    again({ key, hash }, caller) {
      const earlier = store.findByKey(caller, key)
      return earlier && toAgain(earlier, hash, caller)
    },
    note(start) {
      try {
        return bare(runs.begin({ ...start, detached: false, keepEvents: false }).events)
      } catch (error) {
        onFailure(toClinvkError(error))
        return start.events
      }
    },
    find,
    list: (filter) => store.list(filter),
    events(id, caller, after, signal) {
      find(id, caller)
      return read(id, after, signal)
    },
    eventsSoFar(id, caller, after) {
      find(id, caller)
      const found: NumberedEvent<unknown>[] = []
      for (;;) {
        const page = store.events(id, found.at(-1)?.sequence ?? after, PAGE)
        found.push(...page)
        if (page.length < PAGE) return found
      }
    },
    remove(id, caller) {
      const run = find(id, caller)
      const here = live.get(id)
      if (!here) {
        if (run.status === 'running')
          throw new ClinvkError(
            'invalid_request',
            `Run "${id}" is executed by another server. Cancel it before it is removed.`,
          )
        return store.remove(id)
      }
      leaving.add(id)
      const removal = () => {
        if (leaving.has(id)) removeNow(id)
      }
      void here.over.then(() => setTimeout(removal, REMOVE_AFTER_MS).unref())
    },
    async cancel(id, caller) {
      const run = find(id, caller)
      if (run.status !== 'running') return run
      const here = live.get(id)
      if (here) here.cancel()
      else store.askToCancel(id)
      const until = Date.now() + CANCEL_WAIT_MS
      while (find(id, caller).status === 'running' && Date.now() < until) await Bun.sleep(POLL_MS / 10)
      return find(id, caller)
    },
    leave: (id, reason) => live.get(id)?.leave(reason),
    isHere: (id) => live.has(id),
    async close() {
      const reason = markNotRun(shuttingDown())
      for (const run of live.values()) run.leave(reason)
      // A store that takes nothing does not keep us from ending: the next start marks what is left.
      await within(CLOSE_WAIT_MS, Promise.allSettled([...live.values()].map(({ over }) => over)))
      await within(LAST_WORDS_MS, Promise.allSettled(readers))
      closed = true
      for (const id of leaving) removeNow(id)
      store.close()
    },
  }
  return runs
}

/** Events without their numbers. */
export function bare<E>(events: AsyncGenerator<NumberedEvent<E>, void>): AsyncGenerator<E, void> {
  return each(events, { item: ({ event }) => event })
}

/** How a run ended. */
interface Ending {
  readonly status: 'completed' | 'failed' | 'cancelled' | 'interrupted'
  readonly endedAt: number
  readonly error?: KeptError
  /** It was refused before anything ran, and may be tried again with the same key. */
  readonly freesKey: boolean
}

/** A run that this process executes. */
interface LiveRun {
  /** Resolves when it is over and everything of it is kept. */
  readonly over: Promise<void>
  changed(): Promise<void>
  cancel(): void
  /** Nobody will read it: one that nobody has begun to read ends so, for nothing else would end it. */
  leave(reason: ClinvkError): void
  attached<E>(events: AsyncGenerator<E, void>): AsyncGenerator<NumberedEvent<E>, void>
  pump(events: AsyncGenerator<unknown, void>): void
}

function createLiveRun(
  store: RunStore,
  { id, keepEvents, cancel }: Pick<RunStart<never>, 'id' | 'keepEvents' | 'cancel'>,
  onFailure: (error: ClinvkError) => void,
  onOver: () => void,
): LiveRun {
  const over = Promise.withResolvers<void>()
  let unwritten: KeptEvent[] = []
  let sequence = 0
  let batch: Timer | undefined
  let change = Promise.withResolvers<void>()

  const tell = () => {
    change.resolve()
    change = Promise.withResolvers<void>()
  }
  const flush = () => {
    clearTimeout(batch)
    batch = undefined
    if (unwritten.length === 0) return
    store.append(id, unwritten)
    unwritten = []
    tell()
  }
  const tryToFlush = () => {
    try {
      flush()
    } catch (error) {
      onFailure(toClinvkError(error))
      // What cannot be kept must not be lost in silence: then the run ends, while all of it is still there.
      if (unwritten.length > MOST_UNWRITTEN) cancel(toClinvkError(error))
    }
  }
  const note = <E>(event: E): NumberedEvent<E> => {
    sequence += 1
    const noted = { sequence, at: Date.now(), event }
    if (keepEvents) {
      unwritten.push(noted)
      batch ??= setTimeout(tryToFlush, BATCH_MS)
    }
    return noted
  }
  const renewing = setInterval(() => {
    try {
      if (store.renew(id, Date.now() + HOLD_MS)) cancel(cancelledByUser())
    } catch (error) {
      onFailure(toClinvkError(error))
    }
  }, RENEW_MS)
  renewing.unref()
  let begun = false
  let ended = false
  const end = (failure: ClinvkError | undefined, left = false) => {
    if (ended) return
    ended = true
    keepEnd({
      status: failure ? statusOf(failure) : left ? 'cancelled' : 'completed',
      endedAt: Date.now(),
      freesKey: failure !== undefined && failure.code !== 'cancelled' && wasNotRun(failure),
      ...(failure ? { error: toKept(failure) } : {}),
    })
  }
  /** Tried until it succeeds: what the store does not take now is not lost, and nobody is told another end meanwhile. */
  const keepEnd = (outcome: Ending) => {
    try {
      flush()
      if (outcome.freesKey) store.freeKey(id)
      store.end(id, outcome.status, outcome.endedAt, outcome.error)
    } catch (error) {
      onFailure(toClinvkError(error))
      setTimeout(() => keepEnd(outcome), RENEW_MS).unref()
      return
    }
    clearInterval(renewing)
    onOver()
    tell()
    over.resolve()
  }

  return {
    over: over.promise,
    changed: () => change.promise,
    cancel() {
      cancel(cancelledByUser())
      if (!begun) end(cancelledByUser())
    },
    leave(reason) {
      if (!begun) end(reason)
    },
    attached<E>(events: AsyncGenerator<E, void>) {
      const source: Source<E> = {
        next() {
          begun = true
          return events.next()
        },
        return: () => events.return(),
      }
      return each(source, {
        item: note<E>,
        ended: () => end(undefined),
        failed(error) {
          end(toClinvkError(error))
          throw error
        },
        left: () => end(undefined, true),
      })
    },
    pump(events) {
      begun = true
      const run = async () => {
        for await (const event of events) note(event)
      }
      run().then(
        () => end(undefined),
        (error: unknown) => end(toClinvkError(error)),
      )
    },
  }
}

/** One that the end of the server cut is interrupted; one that had not begun by then has failed, and may be tried again. */
function statusOf(failure: ClinvkError): Ending['status'] {
  if (failure.code === 'cancelled') return 'cancelled'
  return failure.code === 'shutting_down' && !wasNotRun(failure) ? 'interrupted' : 'failed'
}

function cancelledByUser(): ClinvkError {
  return new ClinvkError('cancelled', 'The run was cancelled.')
}

function runNotFound(id: string): ClinvkError {
  return new ClinvkError('run_not_found', `There is no run "${id.slice(0, 100)}".`)
}

function toKept(error: ClinvkError): KeptError {
  const { code, message, status, retryable, upstreamStatus, retryAfterMs, details } = error
  return {
    code,
    message,
    status,
    retryable,
    details,
    ...(upstreamStatus === undefined ? {} : { upstreamStatus }),
    // What was run is not run again by its key, however long one waits.
    ...(retryAfterMs !== undefined && wasNotRun(error) ? { retryAfterMs } : {}),
  }
}

/** What a run that is over failed with; undefined for one that is complete. */
export function failureOf({ status, error }: RunRecord): ClinvkError | undefined {
  if (error) {
    const { code, message, upstreamStatus, ...options } = error
    return new ClinvkError(
      code,
      message,
      upstreamStatus === undefined ? options : { ...options, upstreamStatus },
    )
  }
  if (status === 'cancelled') return cancelledByUser()
  return status === 'interrupted'
    ? new ClinvkError(
        'run_interrupted',
        'The server ended in the middle of this run. What it had told is kept.',
      )
    : undefined
}

/** Waits for one of both, and never fails. */
async function either(change: Promise<void>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<void>()
  const onAbort = () => aborted.resolve()
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  await Promise.race([change, aborted.promise]).finally(() => signal.removeEventListener('abort', onAbort))
}
