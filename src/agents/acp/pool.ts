import type { AcpConnection } from './connection.ts'

/** A session's part in a shared process. */
export interface Lease {
  readonly connection: AcpConnection
  /** Whether other sessions live in the process. */
  readonly crowded: boolean
  /** Marks a turn as running until the returned function is called. */
  beginTurn(): () => void
  /**
   * Gives the process up because it does not answer: it is ended, but first the running turns of other sessions
   * may end.
   */
  abandon(): Promise<void>
  /** The session is over. */
  release(): void
}

/** Processes that many sessions share, one for each key. */
export interface Pool {
  /** A place in the key's process, which is started where there is none that is fit. */
  lease(key: string, start: () => Promise<AcpConnection>): Promise<Lease>
  /** Ends all processes. */
  close(): Promise<void>
}

interface Slot {
  readonly connection: AcpConnection
  opened: number
  sessions: number
  turns: number
  /** Takes no new sessions, and ends with its last one. */
  retired: boolean
  /** Ends with the last turn. */
  abandoned: boolean
  idle: Timer | undefined
}

/** How long a process without any session is kept for the next one, in ms. */
const IDLE_MS = 10 * 60_000

export function createPool(sessionsPerProcess: number, idleMs = IDLE_MS): Pool {
  const slots = new Map<string, Promise<Slot>>()
  const running = new Set<Slot>()
  let closed = false

  const begin = async (start: () => Promise<AcpConnection>): Promise<Slot> => {
    const connection = await start()
    const slot = {
      connection,
      opened: 0,
      sessions: 0,
      turns: 0,
      retired: false,
      abandoned: false,
      idle: undefined,
    }
    running.add(slot)
    if (closed) await end(slot)
    return slot
  }
  const end = async (slot: Slot) => {
    clearTimeout(slot.idle)
    slot.retired = true
    await slot.connection.end()
    running.delete(slot)
  }
  const settle = (slot: Slot) => {
    if (slot.abandoned ? slot.turns === 0 : slot.retired && slot.sessions === 0) return end(slot)
    if (slot.sessions === 0 && !slot.retired) {
      clearTimeout(slot.idle)
      slot.idle = setTimeout(() => void end(slot), idleMs)
      slot.idle.unref()
    }
    return Promise.resolve()
  }

  const toLease = (slot: Slot): Lease => {
    clearTimeout(slot.idle)
    slot.opened += 1
    slot.sessions += 1
    if (slot.opened >= sessionsPerProcess) slot.retired = true
    let released = false
    return {
      connection: slot.connection,
      get crowded() {
        return slot.sessions > 1
      },
      beginTurn() {
        slot.turns += 1
        let over = false
        return () => {
          if (over) return
          over = true
          slot.turns -= 1
          if (slot.abandoned) void settle(slot)
        }
      },
      async abandon() {
        slot.retired = true
        slot.abandoned = true
        await settle(slot)
      },
      release() {
        if (released) return
        released = true
        slot.sessions -= 1
        void settle(slot)
      },
    }
  }

  return {
    async lease(key, start) {
      while (true) {
        const found = slots.get(key) ?? begin(start)
        slots.set(key, found)
        try {
          const slot = await found
          if (closed || (slot.connection.alive && !slot.retired)) return toLease(slot)
          if (!slot.connection.alive) running.delete(slot)
        } catch (error) {
          if (slots.get(key) === found) slots.delete(key)
          throw error
        }
        if (slots.get(key) === found) slots.delete(key)
      }
    },
    async close() {
      closed = true
      await Promise.allSettled(slots.values())
      await Promise.all([...running].map(end))
    },
  }
}
