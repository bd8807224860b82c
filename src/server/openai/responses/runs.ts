import type { ResponseObject } from './answer-schema.ts'

/** A response that is being made. */
export interface Run {
  readonly id: string
  readonly owner: string
  /** Whether it is kept when it is complete. */
  keep: boolean
  /** As far as it is known. */
  response(): ResponseObject
  /** Stops the agent. Gives the response as it stays then. */
  cancel(): ResponseObject
}

/** The responses that are being made, by id. */
export interface Runs {
  add(run: Run): void
  get(owner: string, id: string): Run | undefined
  remove(run: Run): void
}

export function createRuns(): Runs {
  const runs = new Map<string, Run>()
  return {
    add: (run) => void runs.set(run.id, run),
    get(owner, id) {
      const run = runs.get(id)
      return run?.owner === owner ? run : undefined
    },
    remove: (run) => void runs.delete(run.id),
  }
}
