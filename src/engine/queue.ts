import { abortError } from '../agents/take-turn.ts'
import { ClinvkError } from '../errors.ts'
import { createLine, type Line } from './queue-line.ts'
import { createPace, type Pace } from './queue-pace.ts'
import { createEntry, type Entry, type Ticket } from './queue-ticket.ts'

/** How many turns may run and wait. */
export interface QueueLimits {
  /** Turns that run at once, over all backends. */
  readonly running: number
  /** Turns that wait, over all backends. */
  readonly waiting: number
  /** Turns that wait for one backend. */
  readonly waitingPerBackend: number
}

/** For an engine that is used by itself. */
export const UNBOUNDED: QueueLimits = {
  running: Number.POSITIVE_INFINITY,
  waiting: Number.POSITIVE_INFINITY,
  waitingPerBackend: Number.POSITIVE_INFINITY,
}

export interface QueueOptions extends QueueLimits {
  /** Turns that a backend can have at once. Asked anew each time. */
  readonly capacityOf: (backend: string) => number
  /** In ms; only differences count. */
  readonly now?: () => number
}

/** Who asks for a place: callers take turns at each backend. */
interface Asking {
  readonly backend: string
  readonly caller: string | undefined
}

/** What a queue tells of itself. By backend, those without any may be missing. */
export interface QueueView {
  /** Turns that have a place. */
  readonly running: Readonly<Record<string, number>>
  readonly waiting: Readonly<Record<string, number>>
  /** Turns that found no place to wait, since the start. */
  readonly refused: number
  /** What may run and wait at once. */
  readonly limits: QueueLimits
}

/** The line in front of the agents. It is bounded, fair to callers and backends, and knows nothing of what a turn is. */
export interface Queue {
  /**
   * Asks for a place, which is there at once where there is room and nobody is ahead. An abort of `signal` leaves the
   * queue.
   *
   * @throws `queue_full`, `shutting_down`, or the reason of the signal.
   */
  enter(asking: Asking, signal: AbortSignal): Ticket
  /** @throws what `enter` would, where one more would be refused. */
  check(asking: Asking): void
  view(): QueueView
  /** Ends every wait with this error; who comes later gets it, too. */
  close(reason: ClinvkError): void
}

interface BackendLine {
  readonly backend: string
  readonly waiting: Line<Entry>
  readonly pace: Pace
  /** When a turn of it got a place last, as a number that grows: backends take turns. */
  lastTurn: number
  running: number
}

export function createQueue({
  running: most,
  waiting: mostWaiting,
  waitingPerBackend,
  capacityOf,
  now = () => performance.now(),
}: QueueOptions): Queue {
  const lines = new Map<string, BackendLine>()
  const pace = createPace(now)
  let running = 0
  let turns = 0
  let refused = 0
  let closed: ClinvkError | undefined

  const lineOf = (backend: string): BackendLine => {
    const line = lines.get(backend) ?? {
      backend,
      waiting: createLine<Entry>(),
      pace: createPace(now),
      lastTurn: 0,
      running: 0,
    }
    lines.set(backend, line)
    return line
  }
  const hasRoom = ({ backend, running: own }: BackendLine) =>
    running < most && own < Math.max(1, capacityOf(backend))
  const allWaiting = () => lines.values().reduce((sum, { waiting }) => sum + waiting.size, 0)

  const renumber = ({ waiting }: BackendLine) => {
    let ahead = 0
    for (const entry of waiting.inOrder()) entry.moveTo(ahead++)
  }
  const grant = (line: BackendLine, entry: Entry) => {
    running += 1
    line.running += 1
    line.lastTurn = ++turns
    entry.grant()
  }
  /** Gives places to those who wait, as far as there is room. */
  const advance = () => {
    const moved = new Set<BackendLine>()
    for (;;) {
      const line = longestWithout([...lines.values()].filter((one) => one.waiting.size > 0 && hasRoom(one)))
      const entry = line?.waiting.next()
      if (!line || !entry) break
      grant(line, entry)
      moved.add(line)
    }
    for (const line of moved) renumber(line)
  }
  /**
   * Who gives up a place in a line that is full: the last prompt of the caller of whom most wait, for one of whom fewer
   * do. Otherwise a caller with many prompts would hold up the first one of another.
   */
  const yielding = (full: readonly BackendLine[], own: number) =>
    full
      .flatMap((line) => {
        const last = line.waiting.lastOfMost()
        return last ? [{ line, ...last, count: line.waiting.countOf(last.caller) }] : []
      })
      .filter(({ count }) => count > own + 1)
      .toSorted((a, b) => b.count - a.count)[0]

  const admit = ({ backend, caller }: Asking, then?: 'enters') => {
    const line = lineOf(backend)
    if (closed) throw closed
    // A capacity may have grown since a place got free last.
    advance()
    if (line.waiting.size === 0 && hasRoom(line)) return
    const ofBackend = line.waiting.size >= waitingPerBackend
    const all = allWaiting()
    if (!ofBackend && all < mostWaiting) return
    const other = yielding(ofBackend ? [line] : [...lines.values()], line.waiting.countOf(caller))
    if (other && !then) return
    refused += 1
    const error = ofBackend
      ? queueFull(backend, ` for ${backend}`, line.waiting.size, 'pool.queue_per_backend', line.pace)
      : queueFull((other?.line ?? line).backend, '', all, 'pool.queue', pace)
    if (!other) throw error
    other.line.waiting.remove(other.caller, other.item)
    other.item.refuse(error)
    renumber(other.line)
  }

  return {
    check: (asking) => admit(asking),
    enter(asking, signal) {
      if (signal.aborted) throw abortError(signal)
      const { backend, caller } = asking
      admit(asking, 'enters')
      const line = lineOf(backend)
      const entry = createEntry(now, signal, {
        unplace() {
          running -= 1
          line.running -= 1
          pace.freed()
          line.pace.freed()
          advance()
        },
        unqueue() {
          line.waiting.remove(caller, entry)
          renumber(line)
        },
      })
      if (line.waiting.size === 0 && hasRoom(line)) grant(line, entry)
      else {
        line.waiting.add(caller, entry)
        renumber(line)
      }
      return entry
    },
    view: () => ({
      running: Object.fromEntries(lines.values().map((line) => [line.backend, line.running])),
      waiting: Object.fromEntries(lines.values().map((line) => [line.backend, line.waiting.size])),
      refused,
      limits: { running: most, waiting: mostWaiting, waitingPerBackend },
    }),
    close(reason) {
      closed = reason
      for (const { waiting } of lines.values())
        for (let entry = waiting.next(); entry; entry = waiting.next()) entry.refuse(reason)
    },
  }
}

/** The one whose last turn was before those of all others. */
function longestWithout(lines: readonly BackendLine[]): BackendLine | undefined {
  return lines.reduce<BackendLine | undefined>(
    (first, line) => (first && first.lastTurn <= line.lastTurn ? first : line),
    undefined,
  )
}

function queueFull(
  backend: string,
  whom: string,
  count: number,
  setting: string,
  { retryAfterMs }: Pace,
): ClinvkError {
  const ms = retryAfterMs()
  const why =
    count === 0
      ? `All places${whom} are taken, and no prompt may wait (${setting} is 0).`
      : `${count} ${count === 1 ? 'prompt waits' : 'prompts wait'}${whom}, and no more may (${setting}).`
  return new ClinvkError('queue_full', `${why} Try again in ${Math.ceil(ms / 1000)} s.`, {
    retryable: true,
    retryAfterMs: ms,
    details: { backend },
  })
}
