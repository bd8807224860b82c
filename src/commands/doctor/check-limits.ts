import { readFile } from 'node:fs/promises'
import type { Check } from './report.ts'

/** A process of an agent takes three open files, a client one, and the server some for itself. */
const FEWEST_FILES = 256

/** Warns of a limit of open files that some agents at once come up against. Only Linux is asked. */
export async function checkLimits(): Promise<Check[]> {
  return judgeLimits(await readFile('/proc/self/limits', 'utf8').catch(() => ''))
}

/** Reads `/proc/self/limits`, which has the soft limit first: what is in force. */
export function judgeLimits(text: string): Check[] {
  const files = Number(/^Max open files +(\d+)/m.exec(text)?.[1] ?? Number.POSITIVE_INFINITY)
  if (files >= FEWEST_FILES) return []
  return [
    {
      part: 'clinvk',
      status: 'warn',
      message: `A process may have only ${files} files open: several agents and clients at once need more.`,
      todo: 'Raise the limit: ulimit -n 1024, or LimitNOFILE= of the service.',
      facts: { open_files: files },
    },
  ]
}
