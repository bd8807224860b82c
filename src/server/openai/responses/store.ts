import type { ResponseObject } from './answer-schema.ts'
import type { RawItem } from './parse-item.ts'

/** An item with its id, as it is listed. */
export type StoredItem = RawItem & { readonly id: string }

/** A response that is kept. */
export interface StoredResponse {
  readonly response: ResponseObject
  /** What its own request said, without the chain before it. */
  readonly input: readonly StoredItem[]
}

/** Responses that can be asked for again, each by its owner alone. Nothing of it outlives the process. */
export interface ResponseStore {
  put(owner: string, stored: StoredResponse): void
  get(owner: string, id: string): StoredResponse | undefined
  /** A response with all before it, the first one first; undefined where one of them is gone. */
  chain(owner: string, id: string): StoredResponse[] | undefined
  /** A response with what is left of those before it, the first one first; empty where it is not kept. */
  known(owner: string, id: string): StoredResponse[]
  /** An input or output item of a response that is kept. */
  item(owner: string, id: string): StoredItem | undefined
  /** Whether there was one. */
  delete(owner: string, id: string): boolean
}

/** `maxBytes` counts characters of JSON. `now` is in ms; only differences count. */
export function createResponseStore({
  maxResponses = 10_000,
  maxBytes = 64 * 1024 * 1024,
  keepMs = 24 * 60 * 60 * 1000,
  now = () => performance.now(),
}: {
  maxResponses?: number
  maxBytes?: number
  keepMs?: number
  now?: () => number
} = {}): ResponseStore {
  // In the order of their last use, so the next to go are in front.
  const entries = new Map<string, Entry>()
  const items = new Map<string, Holding>()
  let bytes = 0

  const remove = (key: string) => {
    const entry = entries.get(key)
    if (entry === undefined) return
    entries.delete(key)
    bytes -= entry.bytes
    for (const { id } of itemsOf(entry.stored)) {
      const holding = items.get(keyOf(entry.owner, id))
      holding?.holders.delete(key)
      if (holding?.holders.size === 0) items.delete(keyOf(entry.owner, id))
    }
  }
  const sweep = () => {
    for (const [key, { until }] of entries) {
      if (until > now() && entries.size <= maxResponses && bytes <= maxBytes) return
      remove(key)
    }
  }
  const use = (key: string): Entry | undefined => {
    sweep()
    const entry = entries.get(key)
    if (entry === undefined) return undefined
    entries.delete(key)
    entry.until = now() + keepMs
    entries.set(key, entry)
    return entry
  }
  /** From the last to the first, so that no response outlives one that it goes on from. */
  const walk = (owner: string, id: string): { found: StoredResponse[]; whole: boolean } => {
    const found: StoredResponse[] = []
    for (let next: string | null = id; next !== null; ) {
      const entry = use(keyOf(owner, next))
      if (entry === undefined) return { found, whole: false }
      found.unshift(entry.stored)
      next = entry.stored.response.previous_response_id
    }
    return { found, whole: true }
  }

  return {
    put(owner, stored) {
      const key = keyOf(owner, stored.response.id)
      const size = JSON.stringify(stored).length
      remove(key)
      if (size > maxBytes) return
      entries.set(key, { owner, stored, bytes: size, until: now() + keepMs })
      bytes += size
      for (const item of itemsOf(stored)) {
        const holding = items.get(keyOf(owner, item.id)) ?? { item, holders: new Set<string>() }
        holding.holders.add(key)
        items.set(keyOf(owner, item.id), holding)
      }
      walk(owner, stored.response.id)
    },
    known: (owner, id) => walk(owner, id).found,
    get: (owner, id) => walk(owner, id).found.at(-1),
    chain(owner, id) {
      const { found, whole } = walk(owner, id)
      return whole ? found : undefined
    },
    item(owner, id) {
      sweep()
      const holding = items.get(keyOf(owner, id))
      for (const key of holding?.holders ?? []) use(key)
      return holding?.item
    },
    delete(owner, id) {
      sweep()
      const known = entries.has(keyOf(owner, id))
      remove(keyOf(owner, id))
      return known
    },
  }
}

interface Entry {
  readonly owner: string
  readonly stored: StoredResponse
  readonly bytes: number
  until: number
}

/** An item and the responses that hold it. */
interface Holding {
  readonly item: StoredItem
  readonly holders: Set<string>
}

function itemsOf({ input, response }: StoredResponse): readonly StoredItem[] {
  return [...input, ...response.output]
}

function keyOf(owner: string, id: string): string {
  return `${owner} ${id}`
}
