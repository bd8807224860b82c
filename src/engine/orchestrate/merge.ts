/**
 * Runs sources side by side, at most `atMost` at a time, and passes on what they give as it comes. Of each source one
 * item is waited for and none is stored, so a slow reader slows them all and no source gets ahead of the others.
 *
 * @param begin the next source, or undefined when there are no more.
 * @param abandon called when the reader leaves before the end, and has to make the sources end: one that is waited for
 * cannot be left otherwise.
 */
export async function* merge<T>(
  begin: () => AsyncGenerator<T, void> | undefined,
  atMost: number,
  abandon: () => void,
): AsyncGenerator<T, void> {
  const running = new Set<AsyncGenerator<T, void>>()
  const ready: { readonly source: AsyncGenerator<T, void>; readonly next: () => IteratorResult<T, void> }[] =
    []
  let wake = () => {}
  const pull = (source: AsyncGenerator<T, void>) => {
    const settle = (next: () => IteratorResult<T, void>) => {
      ready.push({ source, next })
      wake()
    }
    source.next().then(
      (result) => settle(() => result),
      (error: unknown) =>
        settle(() => {
          throw error
        }),
    )
  }
  const fill = () => {
    while (running.size < atMost) {
      const source = begin()
      if (!source) return
      running.add(source)
      pull(source)
    }
  }

  try {
    for (fill(); running.size > 0; fill()) {
      const first = ready.shift()
      if (!first) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        continue
      }
      const next = first.next()
      if (next.done) running.delete(first.source)
      else {
        yield next.value
        pull(first.source)
      }
    }
  } finally {
    if (running.size > 0) {
      abandon()
      await Promise.allSettled([...running].map((source) => source.return()))
    }
  }
}
