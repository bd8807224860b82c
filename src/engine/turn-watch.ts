import type { TurnEvent } from '../agents/types.ts'
import { observed, type TurnObserver } from './observed.ts'

/** What is counted of the turns of one backend since the start. */
export interface TurnCounts {
  /** Went on in a session that was alive. */
  readonly warm: number
  /** Had to wait in the queue and then began, and how long all of them did, in ms. */
  readonly waited: number
  readonly waitedMs: number
}

/** Everybody who watches the turns of one engine, and what the engine itself counts of them. */
export interface TurnWatch {
  watch(backend: string, events: AsyncGenerator<TurnEvent, void>): AsyncGenerator<TurnEvent, void>
  /** Tells an observer of all turns that start from now on. */
  observe(observer: TurnObserver): void
  countsOf(backend: string): TurnCounts
  /** How often an observer has thrown. */
  failures(): number
}

const NOTHING: TurnCounts = { warm: 0, waited: 0, waitedMs: 0 }

/** @param now in ms; only its differences count. */
export function createTurnWatch(now?: () => number): TurnWatch {
  const observers: TurnObserver[] = []
  const counts = new Map<string, TurnCounts>()
  let failures = 0

  const countsOf = (backend: string) => counts.get(backend) ?? NOTHING
  const change = (backend: string, changed: Partial<TurnCounts>) =>
    counts.set(backend, { ...countsOf(backend), ...changed })
  const tell = (say: (observer: TurnObserver) => void) => {
    for (const observer of observers) {
      try {
        say(observer)
      } catch {
        failures += 1
      }
    }
  }
  const all: TurnObserver = {
    started: (backend) => tell((observer) => observer.started?.(backend)),
    began(turn) {
      const { warm, waited, waitedMs } = countsOf(turn.backend)
      if (turn.start === 'warm') change(turn.backend, { warm: warm + 1 })
      if (turn.waitedMs) change(turn.backend, { waited: waited + 1, waitedMs: waitedMs + turn.waitedMs })
      tell((observer) => observer.began?.(turn))
    },
    firstText: (turn) => tell((observer) => observer.firstText?.(turn)),
    ended: (turn) => tell((observer) => observer.ended?.(turn)),
  }
  return {
    watch: (backend, events) => observed(events, backend, all, now),
    observe: (observer) => void observers.push(observer),
    countsOf,
    failures: () => failures,
  }
}
