import type { HistoryMessage } from '../agents/messages.ts'
import { abortError } from '../agents/take-turn.ts'
import type { InputPart, TurnEvent } from '../agents/types.ts'
import { ClinvkError, toClinvkError } from '../errors.ts'
import type { SessionStore, ToolRecord, TurnOutcome, TurnRecord, TurnStatus } from '../sessions/types.ts'
import { sessionNotFound } from './conversations.ts'

/** What a turn is kept under. */
export interface KeptTurn {
  readonly runId: string
  readonly sessionId: string
  readonly parts: readonly InputPart[]
  readonly startedAt: number
}

/** The engine's side of the store. */
export interface SessionKeeper {
  /**
   * Takes a session for a turn of this process, and waits while another process has it. The result lets it go.
   *
   * @throws `session_busy` where `wait` is false and it is taken; `store_failed`; the signal's reason.
   */
  take(sessionId: string, wait: boolean, signal: AbortSignal): Promise<() => void>
  /** Passes the events of a turn on and keeps what they tell. @throws `store_failed` before the first. */
  keep(turn: KeptTurn, events: AsyncIterable<TurnEvent>, signal: AbortSignal): AsyncGenerator<TurnEvent, void>
}

/** How long another process may take a session for dead that does not renew its hold, in ms. */
const HOLD_MS = 30_000
const RENEW_MS = 10_000
const POLL_MS = 100

/**
 * @param holder names this process among those that use the store.
 * @param onFailure told of a turn whose end could not be kept. It is tried again with the next one.
 * @param options.keepsUsage whether token counts are kept.
 * @param options.whileWaiting called again and again while another process has a session: it may have died.
 */
export function createSessionKeeper(
  store: SessionStore,
  holder: string,
  onFailure: (error: ClinvkError) => void,
  { keepsUsage = true, whileWaiting = () => {} } = {},
): SessionKeeper {
  const unkept = new Map<string, TurnOutcome>()
  const flush = () => {
    for (const [id, outcome] of unkept) {
      store.endTurn(id, outcome)
      unkept.delete(id)
    }
  }
  const end = (id: string, outcome: TurnOutcome) => {
    unkept.set(id, outcome)
    try {
      flush()
    } catch (error) {
      // The answer is there, and is told; that it cannot be kept is no reason to withhold it.
      onFailure(toClinvkError(error))
    }
  }

  return {
    async take(sessionId, wait, signal) {
      while (!store.lock(sessionId, holder, Date.now() + HOLD_MS)) {
        if (!store.get(sessionId)) throw sessionNotFound(sessionId)
        if (!wait)
          throw new ClinvkError(
            'session_busy',
            `Session "${sessionId}" has a turn under way in another process.`,
            { retryable: true },
          )
        whileWaiting()
        await Bun.sleep(POLL_MS)
        if (signal.aborted) throw abortError(signal)
      }
      const renewing = setInterval(() => {
        try {
          store.lock(sessionId, holder, Date.now() + HOLD_MS)
        } catch (error) {
          onFailure(toClinvkError(error))
        }
      }, RENEW_MS)
      renewing.unref()
      return () => {
        clearInterval(renewing)
        try {
          store.unlock(sessionId, holder)
        } catch (error) {
          onFailure(toClinvkError(error))
        }
      }
    },

    async *keep({ runId, sessionId, parts, startedAt }, events, signal) {
      flush()
      store.beginTurn({ id: runId, sessionId, prompt: promptText(parts), startedAt })
      const told = createOutcome()
      try {
        for await (const event of events) {
          told.listen(event)
          yield event
        }
        if (!told.done) told.failed(new ClinvkError('agent_protocol', 'The turn ended without an end.'))
      } catch (error) {
        told.failed(signal.aborted ? abortError(signal) : toClinvkError(error))
        throw error
      } finally {
        const { usage, ...outcome } = told.outcome(Date.now())
        end(runId, keepsUsage && usage ? { ...outcome, usage } : outcome)
      }
    },
  }
}

/**
 * What was said up to now, as an agent is told it that knows nothing of it. Undefined where nothing of what was said is
 * kept: sessions of the earlier program have no turns.
 *
 * @param turnCount how many turns there were.
 */
export function toReplay(
  turns: readonly TurnRecord[],
  turnCount: number,
): readonly HistoryMessage[] | undefined {
  const over = turns.filter(({ status }) => status !== 'running')
  const said = over
    // What failed before it was answered has perhaps not reached an agent, and says nothing.
    .filter(({ status, answer }) => status !== 'failed' || answer !== '')
    .flatMap(({ prompt, answer }): HistoryMessage[] => [
      { role: 'user', parts: [{ type: 'text', text: prompt }] },
      ...(answer === '' ? [] : [{ role: 'assistant' as const, text: answer, toolCalls: [] }]),
    ])
  return said.length === 0 && over.length < turnCount ? undefined : said
}

/** What is kept of a prompt: its text. Images and documents are named, and not kept. */
function promptText(parts: readonly InputPart[]): string {
  return parts
    .map((part) => (part.type === 'text' ? part.text : `[${part.type} ${part.mediaType}]`))
    .join('\n\n')
}

/** How much of a tool's input and output is kept, in characters. */
const TOOL_CHARS = 20_000

function createOutcome() {
  const tools = new Map<string, ToolRecord>()
  let answer = ''
  let init: Extract<TurnEvent, { type: 'init' }> | undefined
  let done: Extract<TurnEvent, { type: 'done' }> | undefined
  let failure: ClinvkError | undefined

  const status = (): TurnStatus => {
    if (failure?.code === 'shutting_down') return 'interrupted'
    if (failure) return failure.code === 'cancelled' ? 'cancelled' : 'failed'
    // Whoever read it left before its end.
    return done ? 'completed' : 'cancelled'
  }
  return {
    get done() {
      return done !== undefined
    },
    listen(event: TurnEvent) {
      if (event.type === 'text') answer += event.text
      else if (event.type === 'init') init = event
      else if (event.type === 'done') done = event
      else if (event.type === 'tool_use')
        tools.set(event.id, { id: event.id, name: event.name, input: shortened(event.input) })
      else if (event.type === 'tool_result') {
        const tool = tools.get(event.id) ?? { id: event.id, name: 'unknown', input: {} }
        tools.set(event.id, { ...tool, output: event.output.slice(0, TOOL_CHARS), isError: event.isError })
      }
    },
    failed(error: ClinvkError) {
      failure = error
    },
    outcome(endedAt: number): TurnOutcome {
      const model = done?.model ?? init?.model
      return {
        answer,
        tools: [...tools.values()],
        status: status(),
        endedAt,
        ...(done ? { stopReason: done.stopReason } : {}),
        ...(model === undefined ? {} : { model }),
        ...(done?.usage === undefined ? {} : { usage: done.usage }),
        ...(done?.costUsd === undefined ? {} : { costUsd: done.costUsd }),
        ...(failure ? { error: { code: failure.code, message: failure.message } } : {}),
        ...(init?.agentSessionId === undefined ? {} : { agentSessionId: init.agentSessionId }),
        ...(init?.agentVersion === undefined ? {} : { agentVersion: init.agentVersion }),
      }
    },
  }
}

function shortened(input: unknown): unknown {
  const json = JSON.stringify(input) ?? 'null'
  return json.length <= TOOL_CHARS ? input : { shortened: json.slice(0, TOOL_CHARS) }
}
