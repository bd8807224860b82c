import { ClinvkError } from '../../errors.ts'
import type { BackendSettings } from '../types.ts'
import type { AppServer } from './app-server.ts'
import { type Kind, launch } from './launch.ts'

/** A share in a process. */
interface Share {
  readonly server: Promise<AppServer>
  /** Gives it back; further calls do nothing. */
  release(): void
}

/** The app-servers of a backend, one of each kind. */
export interface Pool {
  /** Shares the process of this kind; starts it where there is none, or none that lives. */
  take(kind: Kind): Promise<Share>
  /** Ends them all. */
  close(): Promise<void>
}

/** How long things may take, in ms. */
export interface Timing {
  /** For a process to answer at first. */
  readonly startMs?: number
  /** For an interrupt to be answered, before the process is ended. */
  readonly interruptMs?: number
  /** For a process to live on that nobody uses. */
  readonly idleMs?: number
  /** For an answer with calls of the client's tools to say nothing, before it is taken for broken. */
  readonly quietMs?: number
}

interface Entry {
  readonly starting: Promise<AppServer>
  readonly abort: AbortController
  server?: AppServer
  failed: boolean
  users: number
  idle?: Timer
}

/** How long a process is kept that nobody uses, in ms: a start costs 150 ms, keeping it 85 MB. */
const IDLE_MS = 60_000

/** Makes an empty pool; nothing is started before it is needed. */
export function createPool(settings: BackendSettings, timing: Timing = {}): Pool {
  const { idleMs = IDLE_MS } = timing
  const entries = new Map<string, Entry>()
  const running = new Set<Entry>()
  let closed = false

  const start = (key: string, kind: Kind): Entry => {
    const abort = new AbortController()
    const starting = launch(settings, kind, { signal: abort.signal, startMs: timing.startMs })
    const entry: Entry = { starting, abort, failed: false, users: 0 }
    entries.set(key, entry)
    running.add(entry)
    entry.starting.then(
      (server) => {
        entry.server = server
      },
      () => {
        entry.failed = true
        running.delete(entry)
      },
    )
    return entry
  }
  const end = async (key: string, entry: Entry) => {
    clearTimeout(entry.idle)
    if (entries.get(key) === entry) entries.delete(key)
    entry.abort.abort()
    await entry.starting.then((server) => server.close()).catch(() => {})
    running.delete(entry)
  }

  return {
    async take({ flags: asked, profile, passing, clientTools }) {
      if (closed) throw new ClinvkError('shutting_down', `${settings.name} is being shut down.`)
      const kind = {
        flags: [...settings.extraFlags, ...asked],
        profile,
        passing: passing && profile !== 'full',
        // A mere model call is one by itself already.
        clientTools: clientTools && profile !== 'pure',
      }
      const key = JSON.stringify(kind)
      const found = entries.get(key)
      const usable = found && !found.failed && found.server?.alive !== false
      const entry = usable ? found : start(key, kind)
      if (found && !usable) void end(key, found)
      clearTimeout(entry.idle)
      entry.users += 1
      let released = false
      return {
        server: entry.starting,
        release() {
          if (released) return
          released = true
          entry.users -= 1
          if (entry.users > 0 || closed) return
          entry.idle = setTimeout(() => void end(key, entry), idleMs)
          entry.idle.unref()
        },
      }
    },
    async close() {
      closed = true
      await Promise.all([...running].map((entry) => end('', entry)))
      entries.clear()
    },
  }
}
