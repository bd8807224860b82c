import type { AgentStart, TurnEvent, Usage } from '../agents/types.ts'
import { type ErrorCode, toClinvkError } from '../errors.ts'

/** Watches turns. Each has one `started` and one `ended`, whatever happens in it; nothing it throws reaches a turn. */
export interface TurnObserver {
  /** Its first event is asked for. */
  started?(backend: string): void
  /** The agent has begun on it. */
  began?(turn: BegunTurn): void
  firstText?(turn: FirstText): void
  ended?(turn: EndedTurn): void
}

interface BegunTurn {
  readonly backend: string
  /** What it began on, where the engine tells it. */
  readonly start?: AgentStart | undefined
  /** How long it waited in the queue, in ms, where it is told. */
  readonly waitedMs?: number | undefined
}

interface FirstText extends Pick<BegunTurn, 'backend' | 'start'> {
  /** From its start, without the queue, as long as its reader waited for it, in ms. */
  readonly afterMs: number
}

interface EndedTurn {
  readonly backend: string
  /** `cancelled` also for one whose reader left. */
  readonly outcome: 'done' | ErrorCode
  /** From its start, with the queue and the time that its reader took, in ms. */
  readonly durationMs: number
  readonly usage?: Usage | undefined
  readonly costUsd?: number | undefined
}

/**
 * The same events, watched. What a reader gets are the very promises of `events`: the watching hangs beside them, so it
 * neither delays an event, nor takes one ahead, nor changes the order of anything.
 *
 * A turn's clock to its first text runs only while an event is asked for and has not come: a reader that stops
 * between two events does not make the agent look slow. One that is slow makes it look a little faster instead, by
 * what the agent did meanwhile.
 *
 * @param observer must not throw.
 */
export function observed(
  events: AsyncGenerator<TurnEvent, void>,
  backend: string,
  observer: TurnObserver,
  now: () => number = () => performance.now(),
): AsyncGenerator<TurnEvent, void> {
  let startedAt: number | undefined
  let ended = false
  let spoke = false
  let start: AgentStart | undefined
  let queuedMs = 0
  let asking = 0
  let askedAt = 0
  let awaitedMs = 0

  const begin = (): number => {
    if (startedAt === undefined) {
      startedAt = now()
      observer.started?.(backend)
    }
    return startedAt
  }
  const end = (outcome: EndedTurn['outcome'], told?: Pick<EndedTurn, 'usage' | 'costUsd'>) => {
    if (ended) return
    const since = begin()
    ended = true
    observer.ended?.({ backend, outcome, durationMs: now() - since, ...told })
  }
  const note = (event: TurnEvent) => {
    if (event.type === 'init') {
      start = event.start
      queuedMs = event.waitedMs ?? 0
      observer.began?.({ backend, start, waitedMs: event.waitedMs })
    } else if (event.type === 'text' && !spoke) {
      spoke = true
      observer.firstText?.({ backend, start, afterMs: Math.max(0, awaitedMs - queuedMs) })
    } else if (event.type === 'done') end('done', event)
  }
  const answered = () => {
    asking -= 1
    if (asking === 0) awaitedMs += now() - askedAt
  }
  /** What a reader does to the turn, with what its answer says of it. */
  const beside = (
    promise: Promise<IteratorResult<TurnEvent, void>>,
    atEnd: EndedTurn['outcome'],
  ): Promise<IteratorResult<TurnEvent, void>> => {
    promise.then(
      ({ done, value }) => {
        answered()
        if (done) end(atEnd)
        else note(value)
      },
      (error: unknown) => {
        answered()
        end(toClinvkError(error).code)
      },
    )
    return promise
  }
  const ask = () => {
    begin()
    if (asking === 0) askedAt = now()
    asking += 1
  }

  return {
    next() {
      ask()
      return beside(events.next(), 'done')
    },
    return(value) {
      ask()
      return beside(events.return(value), 'cancelled')
    },
    throw(error) {
      ask()
      return beside(events.throw(error), 'cancelled')
    },
    [Symbol.asyncIterator]() {
      return this
    },
    async [Symbol.asyncDispose]() {
      await this.return()
    },
  }
}
