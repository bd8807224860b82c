import { spawnChild } from '../../process/child.ts'
import { collectText } from '../../process/collect.ts'

/** How long the command may take, in ms: 2 to 6 s are usual with OpenCode, and what it tells is not needed. */
const INQUEST_MS = 20_000
const MOST_BYTES = 16 * 1024 * 1024

/** A command of the agent's own, and what it tells. */
export interface Inquest<T> {
  readonly program: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  read(output: string): T
}

/** Runs a command to learn what the protocol leaves out. Finds nothing rather than failing. */
export async function inquire<T>(
  { program, args, env, cwd, read }: Inquest<T>,
  signal: AbortSignal,
): Promise<T | undefined> {
  try {
    const child = await spawnChild({ command: [program, ...args], cwd, env })
    const limit = AbortSignal.any([signal, AbortSignal.timeout(INQUEST_MS)])
    const stop = () => void child.terminate({ termMs: 200 })
    limit.addEventListener('abort', stop, { once: true })
    if (limit.aborted) stop()
    try {
      await child.endInput()
      return read((await collectText(child.stdout, MOST_BYTES)).replaceAll('\r\n', '\n'))
    } finally {
      limit.removeEventListener('abort', stop)
      await child.terminate({ termMs: 200 })
    }
  } catch {
    return undefined
  }
}
