import { ClinvkError, toClinvkError } from '../../errors.ts'
import { type Channel, createChannel } from '../../process/channel.ts'
import type { Child } from '../../process/child.ts'
import { toJsonLine } from '../../process/json-line.ts'
import { within } from '../../process/within.ts'
import { type Fields, fields, word } from '../fields.ts'
import type { Lease } from '../pool/types.ts'
import { abortError, takeTurn } from '../take-turn.ts'
import type { AgentSession, SessionOptions, TurnEvent, TurnInput } from '../types.ts'
import { answerForm } from './answer-form.ts'
import { initializeRequest } from './argv.ts'
import { ANSWER_TOOL, type Offer } from './client-tools.ts'
import { answerControl } from './control.ts'
import { claimError, crashError, protocolError, resultError } from './errors.ts'
import type { History } from './history.ts'
import { toBlocks, userMessage } from './input.ts'
import { isMcp } from './mcp.ts'
import { createOpening } from './opening.ts'
import type { Policy } from './permissions.ts'
import type { ClaudeProcess } from './process.ts'
import { isTellable } from './results.ts'
import { createTranslator, type Known, type Step, type Translator } from './to-events.ts'
import { weightOf } from './tool-events.ts'
import { createMeter, type Spent } from './usage.ts'
import { createWaitingCalls } from './waiting-calls.ts'

/** How long things may take, in ms. */
export interface Timing {
  /** For an interrupt to be answered, before the process is ended. */
  readonly interruptMs?: number
  /** For the process to end by itself once its stdin is closed. */
  readonly closeMs?: number
  /** For it to end after TERM. */
  readonly termMs?: number
  /** After a request, before a process is started for the next one. */
  readonly aheadMs?: number
}

/** What a session is made from. */
export interface SessionSetup {
  readonly backend: string
  readonly child: Child
  /** What it says from now on. */
  readonly messages: AsyncIterable<Fields>
  /** Whether it is parked, and has to be told where it works first of all. */
  readonly parked: boolean
  /** Its place in the pool, which is given up before the process is ended. */
  readonly lease: Pick<Lease<ClaudeProcess>, 'start' | 'worn' | 'beginTurn' | 'release'>
  readonly options: SessionOptions
  readonly policy: Policy
  readonly offer: Offer
  readonly history: History
  readonly timing: Timing
}

interface Turn {
  readonly uuid: string
  /** What is read of it now: to its end, or until it waits for the client's tools; then comes another one. */
  events: Channel<TurnEvent>
  readonly translator: Translator
  /** Tools whose approval was shown: a call can pass the hook and still be asked for. */
  readonly shown: Set<string>
  readonly settled: Promise<void>
  readonly settle: () => void
  /** Whether what comes now belongs to it, and not to a turn that Claude Code began by itself before. */
  ours: boolean
  /** Whether it was interrupted. */
  stopping: boolean
  /** Whether it waits for the results of the client's tools. */
  waiting: boolean
}

/** A session that can also count. */
export interface ClaudeSession extends AgentSession {
  /**
   * Tokens of the conversation with this as its last message, as the provider counts them. It is not asked anything,
   * and the session is of no use afterwards. Undefined where the provider does not count.
   */
  count(input: TurnInput): Promise<number | undefined>
}

/** Names the request by which a parked process is told where it works, as if it had been started there. */
const CLAIM = 'clinvk-claim'

/** The time a process has by default to end once its stdin is closed: it may still be saving the conversation. */
const CLOSE_MS = 2000

/**
 * Speaks stream-json with one process. Resolves once the process has answered the first request and taken in the
 * earlier messages.
 *
 * @throws what keeps it from starting: `session_not_found`, `agent_crashed`, or the signal's reason.
 */
export async function openSession(setup: SessionSetup, signal: AbortSignal): Promise<ClaudeSession> {
  const { backend, child, messages, lease, options, policy, offer, history, timing } = setup
  const form = options.jsonSchema === undefined ? undefined : answerForm(backend, options.jsonSchema)
  const calls = createWaitingCalls(offer)
  const passes = (tool: string) =>
    offer.outside(tool) !== undefined || (form !== undefined && tool === ANSWER_TOOL)
  const meter = createMeter(options.resume !== undefined)
  const opening = createOpening()
  // A fork has an id of its own, which its first turn tells.
  let known: Known = { sessionId: options.fork ? undefined : options.resume }
  let turn: Turn | undefined
  let failure: ClinvkError | undefined
  let closing: Promise<void> | undefined
  let initialized = false
  let opened = false
  let unsaid = history.rest
  let ended = false
  // The conversation in the process is no longer the client's.
  let useless = false
  let requests = 0
  let tellsLifecycle = false
  const awaited = new Map<string, PromiseWithResolvers<Fields>>()
  let onTaken: (() => void) | undefined

  const send = (message: Readonly<Record<string, unknown>>) => child.write(toJsonLine(message))
  const request = (body: Readonly<Record<string, unknown>>) => {
    requests += 1
    return send({ type: 'control_request', request_id: `clinvk-${requests}`, request: body })
  }
  /** The same, with its answer. */
  const ask = async (body: Readonly<Record<string, unknown>>): Promise<Fields> => {
    const answer = Promise.withResolvers<Fields>()
    awaited.set(`clinvk-${requests + 1}`, answer)
    answer.promise.catch(() => {})
    await request(body)
    return await answer.promise
  }
  const terminate = async () => {
    lease.release()
    await child.terminate(timing.termMs === undefined ? {} : { termMs: timing.termMs })
  }
  // One that comes before the turn has begun is lost, so it is said again when it has.
  const interrupt = (which: Turn) => {
    which.stopping = true
    return request({ subtype: 'interrupt' })
  }

  const push = async (to: Turn, event: TurnEvent, events = to.events) => {
    if (event.type === 'approval' && event.toolId !== undefined) {
      if (to.shown.has(event.toolId)) return
      to.shown.add(event.toolId)
    }
    await events.push(event, weightOf(event))
  }
  /** What a message means for the turn. */
  const apply = async (to: Turn, { events, stop, failure: failed, waits }: Step) => {
    const told = to.events
    for (const event of events) if (event.type === 'call_end') calls.told(event.id)
    // First of all it waits: who reads `done` may answer at once.
    if (waits) {
      to.events = createChannel<TurnEvent>()
      to.waiting = true
      // What is forced is so in every answer of a process.
      useless ||= options.toolChoice !== undefined
    }
    for (const event of events) await push(to, event, told)
    if (waits) {
      told.end()
      for (const event of waits.next) await push(to, event)
    }
    if (oneCall && (stop || failed)) return await cutOff(to, failed)
    if (stop) await interrupt(to)
    // Whoever reads it learns of it, and interrupts it.
    if (failed) told.end(failed)
  }
  const finish = async (over: Turn, { events, end }: Step) => {
    // First of all the session is free again: who reads `done` may begin the next turn at once.
    if (turn === over) turn = undefined
    calls.clear()
    // It did not wait for the client, whose results it never got.
    useless ||= over.waiting
    over.settle()
    for (const event of events) await push(over, event)
    over.events.end(end?.error)
  }
  // At the limit Claude Code 2.1.330 has the model go on, cannot be told not to, and has asked it before it reads an
  // interrupt. A process that is for one call only is killed instead, which is in time.
  const oneCall = options.profile === 'pure' && options.ephemeral
  const cutOff = async (which: Turn, error?: ClinvkError) => {
    closing ??= terminate()
    kill(child)
    await finish(which, error ? { events: [], end: { error } } : which.translator.cutOff())
  }

  const receiveResult = async (result: Fields) => {
    const spent: Spent = meter(result)
    // Before any prompt it takes in an earlier message, or says why there will be no conversation.
    if (!opened && initialized && result['is_error'] !== true) opening.taken()
    else if (!opened) opening.fail(resultError(backend, result))
    else if (!turn) onTaken?.()
    if (turn && belongsTo(turn, result)) await finish(turn, turn.translator.finish(result, spent))
  }
  const receive = async (message: Fields) => {
    switch (message['type']) {
      case 'control_response':
        if (fields(message['response'])['request_id'] === CLAIM) {
          if (fields(fields(message['response'])['response'])['status'] === 'ok') return
          return opening.fail(claimError(backend, options.workdir, fields(message['response'])))
        }
        if (initialized) {
          const { request_id: id, response } = fields(message['response'])
          awaited.get(String(id))?.resolve(fields(response))
          awaited.delete(String(id))
          return
        }
        if (fields(message['response'])['subtype'] !== 'success')
          return opening.fail(protocolError(backend, fields(message['response'])))
        initialized = true
        return opening.taken()
      case 'control_request': {
        if (isMcp(message)) {
          const { answers, callId } = calls.take(message)
          if (turn && callId !== undefined) await apply(turn, turn.translator.called(callId))
          for (const answer of answers) await send(answer)
          return
        }
        const { message: answer, approval } = await answerControl(message, policy, passes)
        if (approval && turn?.ours) await push(turn, approval)
        await send(answer)
        return
      }
      case 'command_lifecycle':
        tellsLifecycle = true
        if (!turn || message['command_uuid'] !== turn.uuid || message['state'] !== 'started') return
        turn.ours = true
        if (turn.stopping) await interrupt(turn)
        return
      case 'result':
        return receiveResult(message)
      default: {
        if (message['type'] === 'system' && message['subtype'] === 'init')
          known = { sessionId: word(message['session_id']), version: word(message['claude_code_version']) }
        if (!turn?.ours) return
        const current = turn
        if (current.stopping && message['type'] === 'system' && message['subtype'] === 'init')
          await interrupt(current)
        await apply(current, current.translator.take(message))
      }
    }
  }
  const listen = async () => {
    try {
      for await (const message of messages) await receive(message)
    } catch (error) {
      failure ??= toClinvkError(error)
      await terminate()
    }
    await within(timing.closeMs ?? CLOSE_MS, child.exited)
    await terminate()
    ended = true
    lease.release()
    failure ??= closing
      ? new ClinvkError('cancelled', `${backend}: the conversation was closed.`)
      : crashError(backend, await child.exited, child.stderrTail())
    opening.fail(failure)
    for (const { reject } of awaited.values()) reject(failure)
    if (turn) await finish(turn, { events: [], end: { error: failure } })
  }

  const begin = (): Turn => {
    const { promise: settled, resolve: settle } = Promise.withResolvers<void>()
    return {
      uuid: crypto.randomUUID(),
      events: createChannel<TurnEvent>(),
      translator: createTranslator({
        backend,
        known,
        limited: options.maxTokens !== undefined,
        offer,
        form,
      }),
      shown: new Set(),
      settled,
      settle,
      ours: !tellsLifecycle,
      stopping: false,
      waiting: false,
    }
  }

  async function* read(current: Turn, turnSignal: AbortSignal) {
    const over = lease.beginTurn()
    try {
      yield* takeTurn(
        {
          events: current.events,
          settled: current.settled,
          interrupt: () => interrupt(current),
          kill: terminate,
        },
        turnSignal,
        timing.interruptMs,
      )
    } finally {
      over()
    }
  }

  void listen()
  const onAbort = () => opening.fail(abortError(signal))
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  try {
    if (setup.parked)
      await send({
        type: 'control_request',
        request_id: CLAIM,
        request: { subtype: 'claim_session', cwd: options.workdir },
      })
    await opening.step(() => request(initializeRequest(options, policy.hooked, form?.schema)))
    for (const { message, answered } of history.frames)
      await (answered ? opening.step(() => send(message)) : send(message))
    opening.check()
    opened = true
  } catch (error) {
    await terminate()
    throw error
  } finally {
    signal.removeEventListener('abort', onAbort)
  }

  return {
    get id() {
      return known.sessionId
    },
    start: lease.start,
    get alive() {
      return !ended && !closing && !useless && child.alive
    },
    get worn() {
      return lease.worn
    },
    async *prompt(input, turnSignal) {
      if (turn) throw new ClinvkError('session_busy', `${backend}: the conversation has a turn under way.`)
      if (ended || closing)
        throw failure ?? new ClinvkError('agent_crashed', `${backend}: the conversation was closed.`)
      if (turnSignal.aborted) throw abortError(turnSignal)
      const content = [...unsaid, ...toBlocks(input.parts)]
      const current = begin()
      turn = current
      unsaid = []
      await send(userMessage(content, current.uuid))
      yield* read(current, turnSignal)
    },
    async *answer(results, turnSignal) {
      const current = turn
      if (ended || closing || useless) throw failure ?? cannotGoOn(backend)
      if (!current?.waiting)
        throw new ClinvkError('invalid_request', `${backend}: the conversation waits for no results.`)
      if (turnSignal.aborted) throw abortError(turnSignal)
      calls.check(results)
      if (!results.every(isTellable)) throw cannotGoOn(backend)
      current.waiting = false
      for (const message of calls.answer(results)) await send(message)
      yield* read(current, turnSignal)
    },
    canAnswer: (results) => results.every(isTellable),
    async count(input) {
      const taken = Promise.withResolvers<Fields>()
      awaited.set('taken', taken)
      onTaken = () => taken.resolve({})
      const content = [...unsaid, ...toBlocks(input.parts)]
      await send({ ...userMessage(content, crypto.randomUUID()), shouldQuery: false })
      await taken.promise
      const guessed = usedTokens(await ask({ subtype: 'get_context_usage', detail: 'summary' }))
      const counted = usedTokens(await ask({ subtype: 'get_context_usage', detail: 'full' }))
      // Where the provider does not count, Claude Code guesses and does not say so.
      return counted === guessed ? undefined : counted
    },
    close() {
      closing ??= (async () => {
        // Else the model is told that its calls failed, and asked again.
        if (turn?.waiting) await interrupt(turn)
        await child.endInput()
        await within(timing.closeMs ?? CLOSE_MS, child.exited)
        await terminate()
      })()
      lease.release()
      return closing
    },
  }
}

/** The system prompt, the tools and the messages, as `get_context_usage` of Claude Code 2.1.330 tells them. */
function usedTokens(usage: Fields): number | undefined {
  const { categories } = usage
  if (!Array.isArray(categories)) return undefined
  const tokens = categories
    .map(fields)
    .filter(({ id }) => id === 'system_prompt' || id === 'messages')
    .map((category) => Number(category['tokens']))
  return tokens.length === 0 ? undefined : tokens.reduce((sum, count) => sum + count, 0)
}

/** Ends the whole group at once; whatever left it is for `terminate`. */
function kill({ pid }: Child): void {
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}

/** Claude Code may begin a turn by itself, when a task in the background ends: its result is not ours. */
function belongsTo(turn: Turn, result: Fields): boolean {
  const uuids = result['user_message_uuids']
  if (Array.isArray(uuids)) return uuids.includes(turn.uuid)
  return turn.ours && word(fields(result['origin'])['kind']) === undefined
}

/** What `answer` fails with where a new session can go on, which is told of the results as its history. */
function cannotGoOn(backend: string): ClinvkError {
  return new ClinvkError('agent_crashed', `${backend}: the turn can't go on with these results.`, {
    details: { backend },
  })
}
