/**
 * Keys that are understood and checked but that nothing reads in this version: what they are for is not built yet.
 * The start says so where they are set, because nothing may be ignored in silence.
 */
const UNUSED = /^output\.|^session\.auto_resume$|^parallel\.aggregate_output$/

/** Whether a key has no effect in this version. */
export function isUnused(key: string): boolean {
  return UNUSED.test(key)
}

/** One warning for all keys that are set and have no effect, or none. */
export function unusedWarning(keys: Iterable<string>): string[] {
  const set = [...keys].filter((key) => isUnused(key) && !key.includes('['))
  return set.length === 0 ? [] : [`without effect in this version: ${set.join(', ')}`]
}
