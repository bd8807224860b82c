/**
 * A queue between one writer and one reader that is bounded by weight: the writer waits while it is full.
 * This is how a client that reads slowly slows its agent instead of filling our memory.
 */
export interface Channel<T> extends AsyncIterable<T> {
  /** Resolves when there is room again; at once after the end. */
  push(item: T, weight?: number): Promise<void>
  /** No more items; the reader gets what is queued, then the end or `error`. The first call counts. */
  end(error?: unknown): void
  /** The reader has left: what is queued is dropped and the writer never waits again. */
  discard(): void
  readonly ended: boolean
}

/** Makes a channel that holds about `capacity` units of weight (an item weighs 1 unless told otherwise). */
export function createChannel<T>(capacity = 1 << 20): Channel<T> {
  const queue: { item: T; weight: number }[] = []
  let load = 0
  let ended = false
  let discarded = false
  let failure: unknown
  let wakeReader: (() => void) | undefined
  let waiting: (() => void)[] = []

  const release = () => {
    const released = waiting
    waiting = []
    for (const resume of released) resume()
  }
  const wake = () => {
    wakeReader?.()
    wakeReader = undefined
  }

  return {
    get ended() {
      return ended
    },
    push(item, weight = 1) {
      if (ended || discarded) return Promise.resolve()
      queue.push({ item, weight })
      load += weight
      wake()
      return load < capacity ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))
    },
    end(error) {
      if (ended) return
      ended = true
      failure = error
      release()
      wake()
    },
    discard() {
      discarded = true
      queue.length = 0
      load = 0
      release()
      wake()
    },
    async *[Symbol.asyncIterator]() {
      while (true) {
        const next = queue.shift()
        if (next) {
          load -= next.weight
          if (load < capacity) release()
          yield next.item
        } else if (ended || discarded) {
          if (failure !== undefined) throw failure
          return
        } else {
          await new Promise<void>((resolve) => {
            wakeReader = resolve
          })
        }
      }
    },
  }
}
