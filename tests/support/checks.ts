/** For programs that check what no test can: a line for each, all of them even where some fail, and their number. */
export function createChecks() {
  let passed = 0
  let failed = 0
  return {
    /** Does the work, and tells whether it threw. */
    async check(what: string, work: () => Promise<unknown>): Promise<boolean> {
      try {
        await work()
        passed += 1
        console.log(`ok: ${what}`)
        return true
      } catch (error) {
        failed += 1
        console.log(`FAILED: ${what}\n${error instanceof Error ? error.message : String(error)}`)
        return false
      }
    },
    /** The last line, and the exit code. */
    end(): void {
      console.log(`\n${passed} passed, ${failed} failed`)
      process.exitCode = failed === 0 && passed > 0 ? 0 : 1
    },
  }
}

export function same(got: unknown, wanted: unknown): void {
  if (!Bun.deepEquals(got, wanted, true))
    throw new Error(`Expected ${JSON.stringify(wanted)}, got ${JSON.stringify(got)}`)
}

export function holds(text: string, part: string): void {
  if (!text.includes(part)) throw new Error(`Expected ${JSON.stringify(part)} in:\n${text}`)
}

/** Tries until it does not throw. @throws what it threw last. */
export async function eventually<T>(work: () => Promise<T>, tries = 100): Promise<T> {
  for (let left = tries; ; left -= 1) {
    try {
      return await work()
    } catch (error) {
      if (left <= 1) throw error
      await Bun.sleep(200)
    }
  }
}
