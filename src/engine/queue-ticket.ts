import { abortError } from '../agents/take-turn.ts'
import type { ClinvkError } from '../errors.ts'

/** A turn's place, or its wait for one. */
export interface Ticket {
  /** How many turns of the same backend go first, as things are. Undefined once it does not wait any more. */
  readonly ahead: number | undefined
  /** Resolves with the next change of `ahead`; whoever is slow to look sees what it is then. */
  changed(): Promise<void>
  /** Resolves when it has its place. Rejects with what ended the wait. */
  readonly granted: Promise<void>
  /** How long it has waited, or had to, in ms. */
  readonly waitedMs: number
  /** Gives the place back, or leaves the queue. Further calls do nothing. */
  leave(): void
}

/** A ticket, as the queue handles it. */
export interface Entry extends Ticket {
  moveTo(ahead: number): void
  grant(): void
  refuse(error: ClinvkError): void
}

/** @param from takes the entry out of the queue again, by where it is. */
export function createEntry(
  now: () => number,
  signal: AbortSignal,
  from: { readonly unplace: () => void; readonly unqueue: () => void },
): Entry {
  const since = now()
  const granted = Promise.withResolvers<void>()
  // Who has left does not look.
  granted.promise.catch(() => {})
  let change = Promise.withResolvers<void>()
  let state: 'waiting' | 'placed' | 'gone' = 'waiting'
  let ahead: number | undefined
  let until: number | undefined
  const moveTo = (place: number | undefined) => {
    if (place === ahead) return
    ahead = place
    change.resolve()
    change = Promise.withResolvers<void>()
  }
  const endWait = (next: 'placed' | 'gone') => {
    state = next
    // Who got a place at once did not wait, however long that took on a busy machine.
    until = ahead === undefined ? since : now()
    signal.removeEventListener('abort', onAbort)
    moveTo(undefined)
  }
  const refuse = (error: ClinvkError) => {
    endWait('gone')
    granted.reject(error)
  }
  const onAbort = () => {
    refuse(abortError(signal))
    from.unqueue()
  }
  signal.addEventListener('abort', onAbort, { once: true })
  return {
    get ahead() {
      return ahead
    },
    get waitedMs() {
      return Math.round((until ?? now()) - since)
    },
    granted: granted.promise,
    changed: () => change.promise,
    moveTo,
    refuse,
    grant() {
      endWait('placed')
      granted.resolve()
    },
    leave() {
      if (state === 'waiting') onAbort()
      else if (state === 'placed') {
        state = 'gone'
        from.unplace()
      }
    },
  }
}
