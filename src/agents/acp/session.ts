import { randomBytes } from 'node:crypto'
import { RequestError } from '@agentclientprotocol/sdk'
import { ClinvkError } from '../../errors.ts'
import type { Channel } from '../../process/channel.ts'
import { within } from '../../process/within.ts'
import { type Fields, fields, word } from '../fields.ts'
import { createSharedChannel } from '../shared-channel.ts'
import { abortError, takeTurn } from '../take-turn.ts'
import type { AgentSession, SessionOptions, TurnEvent } from '../types.ts'
import type { SessionHandlers } from './connection.ts'
import { type Failing, lacksStatus, type Refusal, refusalError } from './errors.ts'
import { ownFileCheck } from './own-file.ts'
import { decide } from './permissions.ts'
import type { Lease } from './pool.ts'
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
  readonly lease: Lease
  readonly sessionId: string
  /** Where the agent tells it. */
  readonly model: string | undefined
  /** Options that change nothing with this model. */
  readonly withoutEffect: readonly 'effort'[]
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
  readonly events: Channel<TurnEvent>
  readonly translator: Translator
}

/** How long the agent may take to close a session, in ms. Nothing depends on it. */
const CLOSE_MS = 1000

/** A conversation with an agent over a process that it shares with others. */
export function createSession(setup: SessionSetup): AgentSession {
  const { failing, profile, options, lease, sessionId, inquire, forget, interruptMs } = setup
  const { connection } = lease
  const rules = { ...options, isOwnFile: ownFileCheck(options.workdir) }
  // What goes before the first prompt; a session that is opened again has it already.
  let preface: Pick<SessionOptions, 'systemPrompt' | 'history'> = options.resume === undefined ? options : {}
  const boundary = randomBytes(12).toString('hex')
  // A session that is opened again goes on with the cost it had, which is not told before its first turn.
  let spent = options.resume === undefined ? 0 : undefined
  let total: number | undefined
  let turn: Turn | undefined
  let busy = false
  let stuck = false
  let closing: Promise<void> | undefined

  const push = async ({ events }: Turn, list: readonly TurnEvent[]) => {
    for (const event of list) await events.push(event, weightOf(event))
  }
  const handlers: SessionHandlers = {
    async update(update) {
      total = totalCost(update) ?? total
      // What comes outside a prompt is no part of an answer: Gemini tells a change of mode as a message.
      if (turn) await push(turn, turn.translator.update(update))
    },
    async permission(request) {
      const current = turn
      if (!current) return { outcome: 'cancelled' }
      const { tools } = current.translator
      const call = fields(request['toolCall'])
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

  const done = ({ stopReason, usage, model }: Outcome): TurnEvent => {
    if (stopReason === 'cancelled')
      throw new ClinvkError('cancelled', `${failing.backend}: the agent stopped the turn.`)
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
    void (async () => {
      try {
        const outcome = toOutcome(fields(await answer), profile.usage, current.translator.tools.seen)
        preface = {}
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

  return {
    id: sessionId,
    get alive() {
      return connection.alive && !stuck && !closing
    },
    async *prompt(input, signal) {
      if (busy)
        throw new ClinvkError('session_busy', `${failing.backend}: the conversation has a turn under way.`)
      if (!connection.alive || stuck || closing)
        throw new ClinvkError('agent_crashed', `${failing.backend}: the conversation is over.`)
      if (signal.aborted) throw abortError(signal)
      const prompt = toPrompt(input.parts, {
        backend: failing.backend,
        systemPrompt: preface.systemPrompt,
        history: preface.history,
        boundary,
        commandMark: profile.commandMark,
        ...(profile.documents ? { documents: profile.documents } : {}),
        images: connection.agent.images,
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
        events: createSharedChannel(failing.backend, () => lease.crowded),
        translator: createTranslator(profile),
      }
      turn = current
      const endTurn = lease.beginTurn()
      await push(current, [init])
      const settled = run(current, { sessionId, prompt }).finally(endTurn)
      yield* takeTurn(
        {
          events: current.events,
          settled,
          interrupt: () => connection.notify('session/cancel', { sessionId }),
          async kill() {
            stuck = true
            unroute()
            endTurn()
            await lease.abandon()
          },
        },
        signal,
        interruptMs,
      )
    },
    close() {
      closing ??= (async () => {
        unroute()
        if (connection.alive && turn) await connection.notify('session/cancel', { sessionId })
        if (connection.alive && connection.agent.closes)
          await within(CLOSE_MS, connection.request('session/close', { sessionId }))
        lease.release()
        await forget()
      })()
      return closing
    },
  }
}
