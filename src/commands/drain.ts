import type { Engine } from '../engine/types.ts'
import { shuttingDown } from '../errors.ts'
import type { Listening } from '../server/listen.ts'

/**
 * How long clients have to take the last event of their streams, in ms. It comes when the agent is quiet, and one that
 * does not listen is asked for 3 s, then told to end for 3 s, then killed.
 */
const STOP_GRACE_MS = 8000
/** How long the answers of prompts that have ended may take to go out, in ms. */
const LAST_WORDS_MS = 1000
/** After this a client may try again, in ms: by then there may be another server, or this one is still going. */
const RETRY_MS = 10_000

/** What a server is made of that is to stop. */
interface Stopping {
  readonly server: Pick<Listening, 'leave' | 'settle' | 'stop'>
  readonly engine: Pick<Engine, 'drain' | 'close' | 'pool'>
  /** How long what runs may go on, in ms. */
  readonly drainMs: number
  readonly tell: (text: string) => void
}

/**
 * Stops a server without cutting off what it can still finish: nothing is begun any more, prompts under way go on for a
 * while, and then whatever is left is ended, which its clients are told.
 */
export async function drainAndStop({ server, engine, drainMs, tell }: Stopping): Promise<void> {
  const running = runningIn(engine)
  if (running === 0 || drainMs === 0) tell('stopping.')
  else
    tell(
      `stopping when ${promptsOf(running)} under way ${running === 1 ? 'is' : 'are'} done, at the latest in ${drainMs / 1000} s; once more to stop at once.`,
    )
  const until = performance.now() + drainMs
  const reason = shuttingDown(Math.max(1000, Math.min(drainMs, RETRY_MS)))
  server.leave(reason)
  await engine.drain(drainMs, reason)
  const late = runningIn(engine)
  if (late > 0 && drainMs > 0) tell(`ending ${promptsOf(late)} that took longer.`)
  await server.settle(Math.min(LAST_WORDS_MS, until - performance.now()))
  await Promise.all([server.stop(STOP_GRACE_MS), engine.close()])
}

function runningIn(engine: Pick<Engine, 'pool'>): number {
  return Object.values(engine.pool().queue.running).reduce((sum, running) => sum + running, 0)
}

function promptsOf(count: number): string {
  return count === 1 ? '1 prompt' : `${count} prompts`
}
