/** What items come from: the part of a generator that is used here. */
export interface Source<T> {
  next(): Promise<IteratorResult<T, void>>
  return(): Promise<IteratorResult<T, void>>
}

/** What is done about the items that pass. */
interface Passing<T, U> {
  /** Turns one into what is passed on. */
  readonly item: (item: T) => U
  /** There are no more. What it throws is thrown behind the last one. */
  readonly ended?: () => void
  /** Gives a last item in place of a failure, or throws. Told of all that is thrown here but by itself. */
  readonly failed?: (error: unknown) => U
  /** The reader left, and what the items come from has ended. */
  readonly left?: () => void
}

/**
 * A generator of items, each turned into another as it passes, for one reader. It does what a loop around them would do,
 * and takes none ahead; but it costs a promise for each item where a loop costs several.
 */
export function each<T, U>(source: Source<T>, { item, ended, failed, left }: Passing<T, U>) {
  let begun = false
  let over = false

  const fail = (error: unknown): IteratorResult<U, void> => {
    over = true
    if (!failed) throw error
    return { done: false, value: failed(error) }
  }
  const pass = (result: IteratorResult<T, void>) => {
    try {
      if (!result.done) return { done: false as const, value: item(result.value) }
      over = true
      ended?.()
      return result
    } catch (error) {
      return source
        .return()
        .catch(() => {})
        .then(() => fail(error))
    }
  }
  const leave = async (): Promise<IteratorResult<U, void>> => {
    const wasOver = over
    over = true
    // Nothing has happened yet that could be ended.
    if (!begun || wasOver) return { done: true, value: undefined }
    try {
      await source.return()
    } catch (error) {
      failed?.(error)
      throw error
    }
    left?.()
    return { done: true, value: undefined }
  }
  const generator: AsyncGenerator<U, void> = {
    next() {
      if (over) return Promise.resolve({ done: true, value: undefined })
      begun = true
      return source.next().then(pass, fail)
    },
    return: leave,
    async throw(error) {
      await leave()
      throw error
    },
    [Symbol.asyncIterator]: () => generator,
    async [Symbol.asyncDispose]() {
      await leave()
    },
  }
  return generator
}
