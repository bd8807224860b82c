/** Who waits for one backend: callers take turns, and what each of them asked comes in its order. */
export interface Line<T> {
  readonly size: number
  add(caller: string | undefined, item: T): void
  /** Takes out the next one. */
  next(): T | undefined
  remove(caller: string | undefined, item: T): void
  /** How many of this caller's wait. */
  countOf(caller: string | undefined): number
  /** The last one of the caller of whom most wait. */
  lastOfMost(): { readonly caller: string | undefined; readonly item: T } | undefined
  /** All of them in the order in which they would be taken out. */
  inOrder(): Generator<T, void>
}

export function createLine<T>(): Line<T> {
  // In the order of the callers' next turns. Who comes anew has the last one: then nobody, however many come, is passed
  // over for ever.
  const callers = new Map<string | undefined, T[]>()
  let size = 0
  return {
    get size() {
      return size
    },
    add(caller, item) {
      const own = callers.get(caller)
      if (own) own.push(item)
      else callers.set(caller, [item])
      size += 1
    },
    next() {
      for (const [caller, [item, ...rest]] of callers) {
        callers.delete(caller)
        if (rest.length > 0) callers.set(caller, rest)
        size -= 1
        return item
      }
      return undefined
    },
    remove(caller, item) {
      const own = callers.get(caller) ?? []
      const rest = own.filter((other) => other !== item)
      size -= own.length - rest.length
      // One that keeps something keeps its turn.
      if (rest.length > 0) callers.set(caller, rest)
      else callers.delete(caller)
    },
    countOf: (caller) => callers.get(caller)?.length ?? 0,
    lastOfMost() {
      let most: { caller: string | undefined; own: T[] } | undefined
      for (const [caller, own] of callers) if (own.length > (most?.own.length ?? 0)) most = { caller, own }
      return most && { caller: most.caller, item: most.own.at(-1) as T }
    },
    *inOrder() {
      let left = [...callers.values()]
      for (let round = 0; left.length > 0; round += 1) {
        left = left.filter(({ length }) => length > round)
        for (const own of left) yield own[round] as T
      }
    },
  }
}
