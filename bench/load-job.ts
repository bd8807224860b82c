import { join } from 'node:path'
import { end, type Place, start } from './processes.ts'

/** What a load process is told to do. */
export type LoadJob =
  | { readonly type: 'streams'; readonly url: string; readonly streams: number; readonly body: unknown }
  | {
      readonly type: 'requests'
      readonly port: number
      readonly path: string
      readonly connections: number
      readonly forMs: number
    }

export interface StreamsDone {
  /** From before the first request to the end of the last stream. */
  readonly ms: number
  readonly deltas: number
}

export interface RequestsDone {
  readonly ms: number
  readonly requests: number
}

const PROGRAM = join(import.meta.dir, 'load.ts')
const TIMEOUT_MS = 180_000

/** Runs a load in a process of its own. @throws Error where it fails or takes too long. */
export async function runLoad(job: Extract<LoadJob, { type: 'streams' }>, place: Place): Promise<StreamsDone>
export async function runLoad(
  job: Extract<LoadJob, { type: 'requests' }>,
  place: Place,
): Promise<RequestsDone>
export async function runLoad(job: LoadJob, place: Place): Promise<StreamsDone | RequestsDone> {
  const child = start([process.execPath, '--no-env-file', PROGRAM, JSON.stringify(job)], place)
  const timer = setTimeout(() => void end(child), TIMEOUT_MS)
  const text = await child.stdout.text()
  clearTimeout(timer)
  if ((await child.exited) !== 0) throw new Error(`The load ${JSON.stringify(job)} failed.`)
  return JSON.parse(text)
}
