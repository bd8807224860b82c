import { spawnChild } from '../../process/child.ts'
import { readLines } from '../../process/lines.ts'
import type { AcpProfile, Finding } from './profile.ts'

/** How long the command may take, in ms: what it tells makes an error clearer, no more. */
const INQUEST_MS = 10_000

/**
 * Runs a command of the agent's own to learn what a failed prompt's error left out. Finds nothing rather than
 * failing.
 */
export async function inquire(
  { program, env, cwd }: { program: string; env: Readonly<Record<string, string>>; cwd: string },
  { args, read }: NonNullable<AcpProfile['inquest']>,
  sessionId: string,
  signal: AbortSignal,
): Promise<Finding> {
  try {
    const child = await spawnChild({ command: [program, ...args(sessionId)], cwd, env })
    const limit = AbortSignal.any([signal, AbortSignal.timeout(INQUEST_MS)])
    const stop = () => void child.terminate({ termMs: 200 })
    limit.addEventListener('abort', stop, { once: true })
    if (limit.aborted) stop()
    try {
      await child.endInput()
      return read((await Array.fromAsync(readLines(child.stdout))).join('\n'))
    } finally {
      limit.removeEventListener('abort', stop)
      await child.terminate({ termMs: 200 })
    }
  } catch {
    return {}
  }
}
