/** The steps by which a session is opened, one after another: each is said, and has to be taken before the next. */
export interface Opening {
  /** Says something and waits until it is taken. @throws what the opening failed with, before or now. */
  step(say: () => Promise<void>): Promise<void>
  taken(): void
  /** @throws what the opening failed with. */
  check(): void
  /** Ends the opening. Nothing happens where it is over. */
  fail(error: Error): void
}

export function createOpening(): Opening {
  let current = Promise.withResolvers<void>()
  let failure: Error | undefined
  return {
    async step(say) {
      this.check()
      current = Promise.withResolvers<void>()
      current.promise.catch(() => {})
      await say()
      await current.promise
    },
    taken: () => current.resolve(),
    check() {
      if (failure) throw failure
    },
    fail(error) {
      failure ??= error
      current.promise.catch(() => {})
      current.reject(failure)
    },
  }
}
