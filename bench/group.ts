import type { Options } from './options.ts'
import type { GroupResult } from './report.ts'

/** What a group is asked to do. */
export interface Run extends Pick<Options, 'rounds' | 'quick'> {
  /** Says how far it is. */
  log(message: string): void
}

/** A group of measurements. */
export interface Group {
  readonly number: number
  readonly title: string
  run(run: Run): Promise<GroupResult>
}
