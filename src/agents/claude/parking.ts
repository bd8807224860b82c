import { createFingerprints } from '../pool/fingerprint.ts'
import { programFiles } from '../pool/program.ts'

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
  const prints = createFingerprints()
  const failures = new Map<string, number>()
  return {
    versionOf: (command, env) => prints.of(programFiles(command, env)),
    isPossible: (version) => now() - (failures.get(version) ?? Number.NEGATIVE_INFINITY) > PAUSE_MS,
    failed: (version) => void failures.set(version, now()),
  }
}
