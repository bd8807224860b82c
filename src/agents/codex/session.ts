import { ClinvkError } from '../../errors.ts'
import { within } from '../../process/within.ts'
import { type Fields, fields, word } from '../fields.ts'
import type { Lease } from '../pool/types.ts'
import { abortError, takeTurn } from '../take-turn.ts'
import type { AgentSession, InputPart, SessionOptions, TurnEvent } from '../types.ts'
import type { AppServer } from './app-server.ts'
import { answerRequest } from './approvals.ts'
import { requestError, turnError } from './errors.ts'
import { mayMention, turnParams, userInput, userItem } from './options.ts'
import type { AnswerForm } from './strict-answer.ts'
import type { Timing } from './timing.ts'
import { cutShort } from './to-events.ts'
import type { ToolNames } from './tool-names.ts'
import { createTurn, type Turn } from './turn.ts'
import { createTotals } from './usage.ts'

/** What a session is made from. */
export interface SessionSetup {
  readonly backend: string
  readonly lease: Lease<AppServer>
  readonly options: SessionOptions
  /** Codex's own id of the conversation. */
  readonly threadId: string
  readonly model: string | undefined
  /** How hard the model thinks, in a word that it takes. */
  readonly effort: string | undefined
  /** What the client's tools are known by. */
  readonly names: ToolNames
  /** What its answers have to fit. */
  readonly form: AnswerForm | undefined
  readonly timing: Pick<Timing, 'interruptMs' | 'quietMs'>
  /** Called once, when the session is over. */
  readonly forget: () => void
}

/** How long a thread's clean-up may take before it is given up, in ms. */
const CLEAN_UP_MS = 1000

/** A thread of an app-server as a session. */
export function createSession(setup: SessionSetup): AgentSession {
  const { backend, lease, options, threadId, names } = setup
  const server = lease.process
  const details = { backend }
  const totals = createTotals(options.resume === undefined ? threadId : undefined)
  let turn: Turn | undefined
  /** The turn before it, or the same: there may still be legs of it that wait, although Codex has ended it. */
  let latest: Turn | undefined
  let failure: ClinvkError | undefined
  let closing: Promise<void> | undefined

  const unlisten = server.listen(threadId, {
    notification: (method, params) => notify(method, params),
    async request(method, params) {
      const current = turn
      const called = method === 'item/tool/call' && isOf(current, params) ? current?.ask(params) : undefined
      if (called) return called
      const { result, event } = await answerRequest(method, params, options, current?.translator.changesOf)
      if (event) await current?.tell(event)
      return result
    },
    ended(error) {
      failure ??= error
      if (turn) finish(turn, error)
    },
  })

  const notify = async (method: string, params: Fields) => {
    const current = turn
    const hear = () => {
      if (method === 'thread/tokenUsage/updated') totals.hear(params)
    }
    if (!current) return hear()
    if (params['threadId'] !== threadId) return current.translator.readSubAgent(method, params)
    if (method === 'turn/started') current.id ??= word(fields(params['turn'])['id'])
    if (method === 'turn/completed') return complete(current, fields(params['turn']))
    // Of earlier turns there still come things: the end of a command in the background, the usage so far.
    if (!isOf(current, params)) return hear()
    if (isClientCall(params)) return
    await current.read(method, params)
  }

  /** Whether something concerns a turn, or an agent that the thread has started. */
  const isOf = (current: Turn | undefined, { threadId: thread, turnId }: Fields) =>
    thread !== threadId || (word(turnId) ?? current?.id) === current?.id

  const complete = async (current: Turn, ended: Fields) => {
    if (current.over || word(ended['id']) !== current.id) return
    current.over = true
    const error = fields(ended['error'])
    const stopReason = ended['status'] === 'completed' ? 'end_turn' : cutShort(error)
    if (stopReason !== undefined) {
      const events = current.translator.finish(stopReason)
      finish(current)
      await current.tell(...events)
      current.events.end()
      return
    }
    if (ended['status'] !== 'interrupted') {
      finish(current, turnError(backend, error, server.retryAfterMs()))
      return
    }
    // The command that was running runs on in the background until it is told to end. The answer to that comes on
    // the stream that is being read here, so it must not be waited for.
    void cleanUp().finally(() => {
      finish(current, new ClinvkError('agent_failed', `${backend}: the turn was interrupted.`, { details }))
    })
  }

  const finish = (over: Turn, error?: ClinvkError) => {
    if (turn === over) turn = undefined
    over.settle()
    if (error) over.events.end(error)
  }
  /** What Codex tells of a call of the client's is told as the client's call. */
  const isClientCall = (params: Fields) => {
    const { type, tool } = fields(params['item'])
    return type === 'dynamicToolCall' && names.own(word(tool) ?? '') !== undefined
  }

  /** Ends what would go on: commands in the background, and the agents that were started. */
  const cleanUp = (leave = false) => {
    const threads = [...server.subAgentsOf(threadId), { threadId, turnId: undefined }]
    const requests = threads.flatMap((thread) => [
      ...(thread.turnId === undefined ? [] : [server.request('turn/interrupt', { ...thread })]),
      server.request('thread/backgroundTerminals/clean', { threadId: thread.threadId }),
      ...(leave ? [server.request('thread/unsubscribe', { threadId: thread.threadId })] : []),
    ])
    return within(CLEAN_UP_MS, Promise.allSettled(requests))
  }

  const open = (parts: readonly InputPart[]): Turn => {
    const { quietMs } = setup.timing
    const isCrowded = () => server.crowded
    const opened = createTurn({
      backend,
      model: setup.model,
      totals,
      names,
      init,
      isCrowded,
      quietMs,
      restore: setup.form?.restore,
    })
    turn = opened
    latest = opened
    void opened.settled.then(lease.beginTurn())
    void begin(opened, parts).then(opened.begin)
    return opened
  }
  /** Starts the turn, unless it was stopped before. Never rejects. */
  const begin = async (current: Turn, parts: readonly InputPart[]): Promise<void> => {
    const mentions = mayMention(parts)
    let method = mentions ? 'thread/inject_items' : 'turn/start'
    try {
      if (mentions) await server.request(method, { threadId, items: [userItem(parts)] })
      method = 'turn/start'
      if (current.stopping)
        throw new ClinvkError('cancelled', `${backend}: the turn was stopped before it began.`)
      const input = mentions ? [] : userInput(parts)
      const answer = await server.request(
        method,
        turnParams(threadId, options, input, setup.effort, setup.form?.schema),
      )
      current.id ??= word(fields(answer['turn'])['id'])
      if (current.id === undefined)
        throw new ClinvkError('agent_protocol', `${backend} started a turn without an id.`, { details })
    } catch (error) {
      finish(current, requestError(backend, method, error))
    }
  }
  const interrupt = async (current: Turn) => {
    current.stopping = true
    current.calls.drop()
    // A turn that has begun is interrupted before anything that is asked for after this.
    if (current.id === undefined) await current.begun
    const turnId = current.id
    if (turnId !== undefined && turn === current) await server.request('turn/interrupt', { threadId, turnId })
  }
  const kill = async () => {
    failure ??= new ClinvkError('agent_crashed', `${backend} did not answer an interrupt and was ended.`, {
      details,
    })
    // While a slow reader of another conversation holds the process up, its silence proves nothing.
    if (!server.blocked) await Promise.all([server.close(failure), lease.abandon()])
    if (turn) finish(turn, failure)
  }

  const init: TurnEvent = {
    type: 'init',
    agentSessionId: threadId,
    ...(setup.model === undefined ? {} : { model: setup.model }),
    ...(server.version === undefined ? {} : { agentVersion: server.version }),
  }
  const requireUsable = () => {
    if (failure) throw failure
    if (closing) throw new ClinvkError('cancelled', `${backend}: the conversation was closed.`)
  }
  const take = (current: Turn, signal: AbortSignal) => {
    const { events, settled } = current
    const interrupting = () => interrupt(current)
    return takeTurn({ events, settled, interrupt: interrupting, kill }, signal, setup.timing.interruptMs)
  }

  return {
    id: threadId,
    start: lease.start,
    get alive() {
      return server.alive && !failure && !closing
    },
    get worn() {
      return lease.worn
    },
    async *prompt({ parts }, signal) {
      if (turn || latest?.calls.waiting)
        throw new ClinvkError('session_busy', `${backend}: the conversation has a turn under way.`)
      requireUsable()
      if (signal.aborted) throw abortError(signal)
      const current = open(parts)
      await current.tell(init)
      yield* take(current, signal)
    },
    async *answer(results, signal) {
      requireUsable()
      const current = latest
      if (!current?.calls.waiting)
        throw new ClinvkError('agent_protocol', `${backend}: no call waits for a result.`, { details })
      if (!signal.aborted) current.calls.answer(results)
      yield* take(current, signal)
    },
    close() {
      closing ??= (async () => {
        if (turn) void interrupt(turn).catch(() => {})
        if (server.alive) await cleanUp(true)
        unlisten()
        if (turn) finish(turn, new ClinvkError('cancelled', `${backend}: the conversation was closed.`))
        lease.release()
        setup.forget()
      })()
      return closing
    },
  }
}
