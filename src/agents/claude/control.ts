import { type Fields, fields, word } from '../fields.ts'
import type { TurnEvent } from '../types.ts'
import type { Policy, Verdict } from './permissions.ts'

/** How we answer what Claude Code asks on the control channel, and what a client gets to see of it. */
export interface ControlAnswer {
  readonly message: Readonly<Record<string, unknown>>
  readonly approval?: Extract<TurnEvent, { type: 'approval' }>
}

/**
 * Answers a `control_request`. What we don't know is answered with an error, so that the agent never waits.
 * A hook is always answered in full: Claude Code takes an error there for consent. Tools that pass are nobody's to
 * approve.
 */
export async function answerControl(
  message: Fields,
  policy: Policy,
  passes: (tool: string) => boolean,
): Promise<ControlAnswer> {
  const request = fields(message['request'])
  const respond = (response: Record<string, unknown>) => ({
    type: 'control_response',
    response: { subtype: 'success', request_id: message['request_id'], response },
  })

  if (request['subtype'] === 'can_use_tool') {
    if (passes(String(request['tool_name'])))
      return { message: respond({ behavior: 'allow', updatedInput: fields(request['input']) }) }
    const { tool, toolId, verdict } = await judge(
      policy.asked,
      request['tool_name'],
      request['input'],
      request,
    )
    const allowed = verdict.decision === 'allow'
    return {
      message: respond(
        allowed
          ? { behavior: 'allow', updatedInput: fields(request['input']) }
          : { behavior: 'deny', message: forModel(verdict) },
      ),
      approval: toApproval(tool, toolId, verdict),
    }
  }

  if (request['subtype'] === 'hook_callback') {
    const input = fields(request['input'])
    if (input['hook_event_name'] !== 'PreToolUse') return { message: respond({}) }
    if (passes(String(input['tool_name'])))
      return { message: respond(decided('allow', 'It is a tool of the client.')) }
    const { tool, toolId, verdict } = await judge(
      policy.before,
      input['tool_name'],
      input['tool_input'],
      input,
    )
    if (verdict.decision === 'leave') return { message: respond({}) }
    const shown = verdict.decision === 'deny' || policy.showsAllowed
    return {
      message: respond(decided(verdict.decision, forModel(verdict))),
      ...(shown ? { approval: toApproval(tool, toolId, verdict) } : {}),
    }
  }

  return {
    message: {
      type: 'control_response',
      response: {
        subtype: 'error',
        request_id: message['request_id'],
        error: `clinvk does not answer ${word(request['subtype']) ?? 'this request'}.`,
      },
    },
  }
}

function decided(decision: 'allow' | 'deny', reason: string) {
  return {
    hookSpecificOutput: {
      hookEventName: 'PreToolUse',
      permissionDecision: decision,
      permissionDecisionReason: reason,
    },
  }
}

async function judge(decide: Policy['asked'], name: unknown, input: unknown, from: Fields) {
  const tool = word(name) ?? 'unknown'
  const verdict = await decide({ tool, input: fields(input) }).catch(
    (): Verdict => ({ decision: 'deny', reason: 'It could not be checked.' }),
  )
  return { tool, toolId: word(from['tool_use_id']), verdict }
}

function forModel({ decision, reason }: Verdict): string {
  return decision === 'allow' ? reason : `Not allowed here: ${reason} Go on without it.`
}

function toApproval(tool: string, toolId: string | undefined, { decision, reason }: Verdict) {
  return {
    type: 'approval' as const,
    ...(toolId === undefined ? {} : { toolId }),
    tool,
    decision: decision === 'allow' ? ('allowed' as const) : ('denied' as const),
    reason,
  }
}
