import { basename } from 'node:path'
import { KNOWN_AGENTS, knownAgent } from '../../agents/known.ts'

/** How a version stands to the one that clinvk is tested with. */
export type Standing = 'tested' | 'older' | 'newer' | 'unknown'

/** The version that the tests drive of an agent, by what is started: a backend of the user's own may be one of those. */
export function testedVersion(backend: string, command: readonly string[]): string | undefined {
  const own = knownAgent(backend)
  if (own) return own.testedVersion
  const program = basename(command[0] ?? '')
  return Object.values(KNOWN_AGENTS).find((agent) => agent.command[0] === program)?.testedVersion
}

/** Compares them number by number; what is no version is unknown. */
export function standingOf(version: string | undefined, tested: string | undefined): Standing {
  const [have, want] = [numbersOf(version), numbersOf(tested)]
  if (!have || !want) return 'unknown'
  for (const [index, number] of want.entries()) {
    const other = have[index] ?? 0
    if (other !== number) return other < number ? 'older' : 'newer'
  }
  return 'tested'
}

/** `v20.1.3` and `2.1.3 (Claude Code)` as their numbers. */
export function numbersOf(version: string | undefined): number[] | undefined {
  return /\d+(?:\.\d+)+/
    .exec(version ?? '')?.[0]
    .split('.')
    .map(Number)
}
