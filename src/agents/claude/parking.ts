import { stat } from 'node:fs/promises'
import { findProgram } from '../../process/child.ts'

/** What is known of whether a Claude Code can be started ahead and told later where it works. */
export interface Parking {
  /** Stands for the program as it is now. */
  versionOf(command: readonly string[], env: Readonly<Record<string, string>>): Promise<string>
  isPossible(version: string): boolean
  /** It ended instead of waiting. */
  failed(version: string): void
}

/** How long a program that could not be parked is not tried again, in ms: it may have had another reason. */
const PAUSE_MS = 10 * 60_000

export function createParking(now: () => number = Date.now): Parking {
  const failures = new Map<string, number>()
  return {
    async versionOf([program = ''], env) {
      const found = findProgram(program, env)
      const { ino, size, mtimeMs } = (found && (await stat(found).catch(() => undefined))) || {}
      return JSON.stringify([found, ino, size, mtimeMs])
    },
    isPossible: (version) => now() - (failures.get(version) ?? Number.NEGATIVE_INFINITY) > PAUSE_MS,
    failed: (version) => void failures.set(version, now()),
  }
}
