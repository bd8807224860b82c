/** How long things may take, in ms. */
export interface Timing {
  /** For a process to answer at first. */
  readonly startMs?: number
  /** For an interrupt to be answered, before the process is ended. */
  readonly interruptMs?: number
  /** For a process to live on that nobody uses, instead of what the pool's limits say. */
  readonly idleMs?: number
  /** For an answer with calls of the client's tools to say nothing, before it is taken for broken. */
  readonly quietMs?: number
}
