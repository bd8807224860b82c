import { randomBytes } from 'node:crypto'
import { RequestError } from '@agentclientprotocol/sdk'
import { ClinvkError } from '../../errors.ts'
import type { Channel } from '../../process/channel.ts'
import { within } from '../../process/within.ts'
import { type Fields, fields, word } from '../fields.ts'
import type { Lease } from '../pool/types.ts'
import { createSharedChannel } from '../shared-channel.ts'
import { abortError, takeTurn } from '../take-turn.ts'
import type { AgentSession, SessionOptions, TurnEvent } from '../types.ts'
import type { OpenTools } from './client-tools.ts'
import type { AcpConnection, SessionHandlers } from './connection.ts'
import { type Failing, lacksStatus, type Refusal, refusalError } from './errors.ts'
import { ownFileCheck } from './own-file.ts'
import { allow, decide } from './permissions.ts'
import type { AcpProfile, Finding, TakenTypes } from './profile.ts'
import { toPrompt } from './prompt.ts'
import { requireTaken } from './taken-types.ts'
import { createTranslator, type Translator, totalCost, weightOf } from './to-events.ts'
import { type Outcome, toOutcome } from './usage.ts'

/** What a session is made from, once the agent has opened it. */
export interface SessionSetup {
  readonly failing: Failing
  readonly profile: AcpProfile
  readonly options: SessionOptions
  readonly lease: Lease<AcpConnection>
  readonly sessionId: string
  /** Where the agent tells it. */
  readonly model: string | undefined
  /** Options that change nothing with this model. */
  readonly withoutEffect: readonly 'effort'[]
  /** Whether it has a conversation that ends with results of tools, and needs no words to go on. */
  readonly goesOn?: boolean
  /** What the agent calls this model, where it is told another name. */
  readonly alias?: string | undefined
  /** See `Startup.tooManyCalls`. */
  readonly tooManyCalls?: string | undefined
  /** See `Startup.turns`. */
  readonly mostTurns?: number | undefined
  /** The tools of its client, where it has some. */
  readonly tools?: OpenTools | undefined
  /** Removes what is left of the session once it is closed. */
  forget(): Promise<void>
  /** Asks the agent in another way what went wrong. */
  inquire(sessionId: string): Promise<Finding>
  /** Asks the agent which media a model takes. */
  takenTypes(model: string): Promise<TakenTypes>
  /** How long an interrupt may take to be answered, in ms. */
  readonly interruptMs?: number | undefined
}

interface Turn {
  /** What the reader gets: one channel for each leg of the turn, so that what comes between two is the next one's. */
  events: Channel<TurnEvent>
  readonly translator: Translator
  /** Tool calls until its last leg began. */
  callsBefore: number
  /** Set while it waits for the results of the client's tools. */
  parked: Timer | undefined
  /** Resolves when the agent is quiet. */
  settled: Promise<void>
  /** Tells the process's other sessions that this one does not need it now. */
  endWork(): void
}

/** How long the agent may take to close a session, in ms. Nothing depends on it. */
const CLOSE_MS = 1000

/** A conversation with an agent over a process that it shares with others. */
export function createSession(setup: SessionSetup): AgentSession {
  const { failing, profile, options, lease, sessionId, inquire, forget, interruptMs, tools } = setup
  const connection = lease.process
  const calls = tools?.calls
  const rules = { ...options, isOwnFile: ownFileCheck(options.workdir) }
  // What goes before the first prompt; a session that is opened again has it already.
  let preface: Pick<SessionOptions, 'systemPrompt' | 'history'> = options.resume === undefined ? options : {}
  let goesOn = setup.goesOn === true
  const boundary = randomBytes(12).toString('hex')
  // A session that is opened again goes on with the cost it had, which is not told before its first turn.
  let spent = options.resume === undefined ? 0 : undefined
  let total: number | undefined
  let turn: Turn | undefined
  let busy = false
  let stuck = false
  /** What the agent remembers is not what the client does. */
  let spoilt = false
  let closing: Promise<void> | undefined
  let pushing = 0

  const push = async (current: Turn, list: readonly TurnEvent[]) => {
    pushing += 1
    for (const event of list) await current.events.push(event, weightOf(event))
    pushing -= 1
  }
  const handlers: SessionHandlers = {
    async update(update) {
      total = totalCost(update) ?? total
      // What comes outside a prompt is no part of an answer: Gemini tells a change of mode as a message.
      if (!turn) return
      if (isCall(update) && calls?.owns(update)) {
        turn.translator.part()
        calls.update(update)
        return
      }
      await push(turn, turn.translator.update(update))
      calls?.stir()
    },
    async permission(request) {
      const current = turn
      if (!current) return { outcome: 'cancelled' }
      const call = fields(request['toolCall'])
      // Whether it runs is the client's to decide.
      if (calls?.owns(call)) {
        current.translator.part()
        calls.update(call)
        return allow(request)
      }
      const { tools } = current.translator
      const toolId = word(call['toolCallId']) ?? ''
      const { outcome, decision, reason } = await decide(request, rules)
      const shown = current.translator.asked(call)
      const approval: TurnEvent = { type: 'approval', toolId, tool: tools.nameOf(toolId), decision, reason }
      await push(current, [
        ...shown,
        approval,
        ...(decision === 'denied' ? tools.denied(toolId, reason) : []),
      ])
      return outcome
    },
  }
  const unroute = connection.route(sessionId, handlers)
  let turns = 0

  const done = ({ stopReason, usage, model: told }: Outcome): TurnEvent => {
    const model = told !== undefined && told === setup.alias ? setup.model : told
    if (stopReason === 'cancelled')
      throw new ClinvkError('cancelled', `${failing.backend}: the agent stopped the turn.`)
    if (stopReason === 'max_turns' && setup.tooManyCalls !== undefined)
      throw new ClinvkError('agent_failed', `${failing.backend}: ${setup.tooManyCalls}`, {
        details: { backend: failing.backend },
      })
    // Without what floating point leaves behind.
    const cost = spent === undefined || total === undefined ? 0 : Math.round((total - spent) * 1e9) / 1e9
    spent = total ?? spent
    return {
      type: 'done',
      stopReason,
      ...(usage ? { usage } : {}),
      // A price that is not known is told as 0.
      ...(cost > 0 ? { costUsd: cost } : {}),
      ...(model === undefined ? {} : { model }),
    }
  }
  const toError = async (error: unknown): Promise<unknown> => {
    if (!(error instanceof RequestError)) return error
    const refusal: Refusal = error
    const finding = profile.inquest && lacksStatus(refusal) ? await inquire(sessionId) : {}
    return refusalError(failing, refusal, finding)
  }
  const callsIn = (current: Turn) => current.translator.tools.seen + (calls?.seen ?? 0)
  /** Resolves as soon as the agent is quiet; the rest is between us and the reader. */
  const run = async (current: Turn, prompt: Fields): Promise<void> => {
    let answer: Promise<Fields> | undefined
    try {
      answer = connection.request('session/prompt', prompt)
      await answer
    } catch {
      // Told to the reader below.
    }
    turn = undefined
    busy = false
    const seen = callsIn(current) - current.callsBefore
    if (current.parked !== undefined) {
      // It was not we who ended it: the results have nowhere to go.
      clearTimeout(current.parked)
      spoilt = true
    }
    calls?.drop()
    void (async () => {
      try {
        const outcome = toOutcome(fields(await answer), profile.usage, seen)
        preface = {}
        goesOn = false
        await push(current, [...current.translator.tools.flush(), done(outcome)])
        current.events.end()
      } catch (error) {
        current.events.end(await toError(error))
      }
    })()
  }

  const init: TurnEvent = {
    type: 'init',
    agentSessionId: sessionId,
    ...(setup.model === undefined ? {} : { model: setup.model }),
    ...(connection.agent.version === undefined ? {} : { agentVersion: connection.agent.version }),
    ...(setup.withoutEffect.length === 0 ? {} : { withoutEffect: setup.withoutEffect }),
  }

  const isAlive = () => connection.alive && !stuck && !spoilt && !closing
  const requireAlive = () => {
    if (!isAlive()) throw new ClinvkError('agent_crashed', `${failing.backend}: the conversation is over.`)
  }
  const newLeg = (): Channel<TurnEvent> => {
    const events = createSharedChannel(failing.backend, () => lease.crowded)
    void events.push(init)
    return events
  }
  const interrupt = () => {
    if (calls !== undefined && calls.seen > 0 && profile.clientTools?.cancelSpoils) spoilt = true
    return connection.notify('session/cancel', { sessionId })
  }
  /** Ends the leg: the turn goes on when the client has answered. */
  const park = (current: Turn) => {
    void current.events.push({ type: 'done', stopReason: 'tool_calls' })
    current.events = newLeg()
    current.endWork()
    current.parked = setTimeout(() => {
      spoilt = true
      void interrupt()
    }, profile.clientTools?.longestMs)
    current.parked.unref()
  }
  const take = (current: Turn, signal: AbortSignal) =>
    takeTurn(
      {
        events: current.events,
        settled: current.settled,
        interrupt,
        async kill() {
          stuck = true
          unroute()
          current.endWork()
          await lease.abandon()
        },
      },
      signal,
      interruptMs,
    )

  return {
    id: sessionId,
    start: lease.start,
    get alive() {
      return isAlive()
    },
    get worn() {
      return lease.worn || (setup.mostTurns !== undefined && turns >= setup.mostTurns)
    },
    async *prompt(input, signal) {
      if (busy)
        throw new ClinvkError('session_busy', `${failing.backend}: the conversation has a turn under way.`)
      requireAlive()
      if (signal.aborted) throw abortError(signal)
      const prompt = toPrompt(input.parts, {
        backend: failing.backend,
        systemPrompt: preface.systemPrompt,
        history: preface.history,
        boundary,
        commandMark: profile.commandMark,
        ...(profile.documents ? { documents: profile.documents } : {}),
        images: connection.agent.images,
        ...(goesOn ? { nothing: '' } : {}),
      })
      busy = true
      try {
        if (setup.model !== undefined)
          await requireTaken(input.parts, preface.history ?? [], setup.model, setup.takenTypes)
        if (closing) throw new ClinvkError('cancelled', `${failing.backend}: the conversation was closed.`)
        if (signal.aborted) throw abortError(signal)
      } catch (error) {
        busy = false
        throw error
      }
      const current: Turn = {
        events: newLeg(),
        translator: createTranslator(profile),
        callsBefore: 0,
        parked: undefined,
        settled: Promise.resolve(),
        endWork: lease.beginTurn(),
      }
      turn = current
      turns += 1
      calls?.listen({
        // At once, so that the end of the leg comes after them.
        tell(events) {
          for (const event of events) void current.events.push(event, weightOf(event))
        },
        wait: () => park(current),
        get behind() {
          return pushing > 0
        },
      })
      current.settled = run(current, { sessionId, prompt }).finally(() => current.endWork())
      yield* take(current, signal)
    },
    async *answer(results, signal) {
      requireAlive()
      const current = turn
      if (!calls || current?.parked === undefined)
        throw new ClinvkError('invalid_request', `${failing.backend}: the conversation waits for no results.`)
      if (signal.aborted) throw abortError(signal)
      calls.check(results)
      clearTimeout(current.parked)
      current.parked = undefined
      current.callsBefore = callsIn(current)
      current.endWork = lease.beginTurn()
      calls.answer(results)
      yield* take(current, signal)
    },
    close() {
      closing ??= (async () => {
        unroute()
        const open = turn
        if (connection.alive && open) {
          await connection.notify('session/cancel', { sessionId })
          if (calls) await within(CLOSE_MS, open.settled)
        }
        clearTimeout(open?.parked)
        // Not before: the agent would take the end of its calls for a result, and ask its model what to do next.
        void (open?.settled ?? Promise.resolve()).then(() => tools?.close())
        if (connection.alive && connection.agent.closes)
          await within(CLOSE_MS, connection.request('session/close', { sessionId }))
        lease.release()
        await forget()
      })()
      return closing
    },
  }
}

function isCall({ sessionUpdate }: Fields): boolean {
  return sessionUpdate === 'tool_call' || sessionUpdate === 'tool_call_update'
}
