import type { TurnEvent } from '../../agents/types.ts'
import type { ClinvkError } from '../../errors.ts'
import type { Plan, Turn, TurnRequest, TurnResult } from '../types.ts'

/** One of several prompts. */
export interface Task {
  readonly request: TurnRequest
  /** Only tells what would be run. */
  readonly dryRun?: boolean
}

/** A task that was checked: nothing that could have been known before is wrong with it. */
export interface PlannedTask extends Task {
  readonly plan: Plan
}

/** A turn without its events. */
export type TurnHead = Omit<Turn, 'events'>

/** What became of a task. */
export type TaskOutcome =
  | { readonly status: 'completed'; readonly result: TurnResult }
  /** It was a dry run. */
  | { readonly status: 'planned'; readonly plan: Plan }
  | {
      readonly status: 'failed' | 'cancelled'
      readonly error: ClinvkError
      /** Absent where it was never begun. */
      readonly turn?: TurnHead
      /** How long it took up to then, in ms. */
      readonly durationMs?: number
    }

/**
 * What happens while several tasks run: the events of each in their order, those of different ones as they come, and
 * the outcome of each, once and last.
 */
export type TaskEvent =
  | { readonly index: number; readonly turn: TurnHead; readonly event: TurnEvent }
  | { readonly index: number; readonly outcome: TaskOutcome }
