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

/** How a channel behaves whose writer serves others as well, and must not wait for one slow reader for ever. */
export interface SharedWriter {
  /** How long the writer waits for this reader while somebody else needs it, in ms. */
  readonly patienceMs: number
  /** What is kept for a reader that is not waited for any more, in units of weight. Beyond it the channel ends. */
  readonly limit: number
  /** Whether somebody else needs the writer right now. */
  readonly isNeeded: () => boolean
  /** What the reader is told when its channel ends so. */
  readonly tooSlow: () => unknown
}

/** Makes a channel that holds about `capacity` units of weight (an item weighs 1 unless told otherwise). */
export function createChannel<T>(capacity = 1 << 20, shared?: SharedWriter): Channel<T> {
  let queue: ({ item: T; weight: number } | undefined)[] = []
  /** How many of the queue were taken: to shift each out would move all that are behind it. */
  let taken = 0
  let load = 0
  let ended = false
  let discarded = false
  let failure: unknown
  let wakeReader: (() => void) | undefined
  let waiting: (() => void)[] = []
  let patience: Timer | undefined
  let impatient = false

  const release = () => {
    clearInterval(patience)
    patience = undefined
    const released = waiting
    waiting = []
    for (const resume of released) resume()
  }
  const watch = () => {
    if (!shared || patience) return
    patience = setInterval(() => {
      if (!shared.isNeeded()) return
      impatient = true
      release()
    }, shared.patienceMs)
    patience.unref()
  }
  const wake = () => {
    wakeReader?.()
    wakeReader = undefined
  }

  const take = () => {
    const next = queue[taken]
    if (next === undefined) return undefined
    queue[taken] = undefined
    taken += 1
    if (taken * 2 >= queue.length) {
      queue = queue.slice(taken)
      taken = 0
    }
    return next
  }

  const end = (error?: unknown) => {
    if (ended) return
    ended = true
    failure = error
    release()
    wake()
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
      if (load < capacity) return Promise.resolve()
      if (shared && load > shared.limit) end(shared.tooSlow())
      if (ended || (impatient && shared?.isNeeded())) return Promise.resolve()
      impatient = false
      watch()
      return new Promise((resolve) => waiting.push(resolve))
    },
    end,
    discard() {
      discarded = true
      queue = []
      taken = 0
      load = 0
      release()
      wake()
    },
    async *[Symbol.asyncIterator]() {
      while (true) {
        const next = take()
        if (next) {
          load -= next.weight
          if (load < capacity) {
            impatient = false
            release()
          }
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
