import type { Clock } from './clock.ts'

/** Holds starts back while they fail: a program that cannot start is not started over and over again. */
export interface BackOff {
  failed(): void
  succeeded(): void
  /** Epoch ms until which starts are held back; `undefined` while they are not. */
  until(): number | undefined
}

const FIRST_PAUSE_MS = 1000
const LONGEST_PAUSE_MS = 60_000

export function createBackOff({ now }: Pick<Clock, 'now'>): BackOff {
  let pause = 0
  let until = 0
  return {
    failed() {
      pause = pause === 0 ? FIRST_PAUSE_MS : Math.min(pause * 2, LONGEST_PAUSE_MS)
      until = now() + pause
    },
    succeeded() {
      pause = 0
      until = 0
    },
    until: () => (until > now() ? until : undefined),
  }
}
