import { resolve } from 'node:path'
import { RequestError, type StopReason, type ToolCall, type ToolKind } from '@agentclientprotocol/sdk'
import { DIRECTIVES } from './directives.ts'
import { toTokens } from './prompt.ts'
import type { Step, ToolInput } from './steps.ts'
import { MARK, pause, streamTokens, streamWords, type Turn, untilAborted } from './turn.ts'

/**
 * Does one step of a turn. Returns the stop reason where the step ends the turn.
 *
 * @throws `RequestError` where the step is a failure; the reason of the turn's signal when that aborts.
 */
export async function runStep(step: Step, turn: Turn): Promise<StopReason | undefined> {
  switch (step.type) {
    case 'echo':
      await tell(turn, `You said: ${turn.prompt.text}${describeAttachments(turn)}`)
      return
    case 'help':
      await tell(turn, explanation(step.problem), 0)
      return
    case 'say':
      await streamWords(turn, 'text', toTokens(step.text))
      return
    case 'think':
      await streamWords(turn, 'thought', toTokens(step.text))
      return
    case 'tokens':
      await streamTokens(turn, step)
      return
    case 'tool': {
      const call = await startTool(turn, step.name, step.input, 'in_progress')
      await pause(0, turn.signal)
      await endTool(turn, call, !step.fails, step.fails ? `${step.name} failed, as asked.` : didNothing(call))
      return
    }
    case 'ask':
      await ask(turn, step.name, step.input)
      return
    case 'history':
      await tell(turn, history(turn))
      return
    case 'session': {
      const { id, cwd, prompts } = turn.session
      await tell(turn, `Session ${id}, folder ${cwd}, prompt ${prompts.length + 1}, process ${process.pid}.`)
      return
    }
    case 'wait':
      await pause(step.ms, turn.signal)
      return
    case 'ignore-cancel':
      turn.signal = new AbortController().signal
      return
    case 'hang':
      return untilAborted(turn.signal)
    case 'stop':
      return step.reason
    case 'fail':
      // Gemini's way: the code of the JSON-RPC error is the HTTP status of its provider.
      throw new RequestError(
        step.status,
        step.message,
        step.retryAfterMs === undefined ? undefined : { retryAfterMs: step.retryAfterMs },
      )
    case 'not-logged-in':
      // ACP's own code for it, -32000.
      throw RequestError.authRequired(undefined, 'the demo agent was asked to be logged out')
    case 'crash':
      await streamWords(turn, 'text', [`${MARK} Crashing as asked.`])
      turn.crash(step.exitCode)
      return
  }
}

const KINDS: Readonly<Record<string, ToolKind>> = {
  read_file: 'read',
  write_file: 'edit',
  edit_file: 'edit',
  delete_file: 'delete',
  move_file: 'move',
  search: 'search',
  run_command: 'execute',
  fetch: 'fetch',
}

/** Says something in the demo agent's own words, in a paragraph of its own. */
function tell(turn: Turn, text: string, delayMs?: number): Promise<void> {
  const before = turn.sent.text === 0 ? '' : '\n\n'
  return streamWords(turn, 'text', toTokens(`${before}${MARK} ${text}`), delayMs)
}

function describeAttachments({ prompt: { attachments } }: Turn): string {
  if (attachments.length === 0) return ''
  return `\n[${attachments.length} attached: ${attachments.join('; ')}]`
}

function explanation(problem: string | undefined): string {
  const intro = problem === undefined ? '' : `Nothing was done: ${problem}.\n\n`
  const list = Object.values(DIRECTIVES).map(({ usage, meaning }) => `- ${usage}: ${meaning}`)
  return `${intro}I echo what I am told, or do what lines say that start with "demo:". Such a line holds one or more of these, separated by ";":\n\n${list.join('\n')}`
}

function history({ session: { prompts } }: Turn): string {
  const list = prompts.map((text, index) => `\n${index + 1}. ${text}`)
  return `Earlier prompts in this session: ${prompts.length}${list.join('')}`
}

async function ask(turn: Turn, name: string, input: ToolInput): Promise<void> {
  const call = await startTool(turn, name, input, 'pending')
  const outcome = await Promise.race([turn.askPermission(call), untilAborted(turn.signal)])
  const allowed = outcome.outcome === 'selected' && outcome.optionId === 'allow'
  await endTool(turn, call, allowed, allowed ? didNothing(call) : `${name} was not allowed.`)
  await tell(turn, `Permission to use ${name} was ${allowed ? 'given' : 'denied'}.`)
}

async function startTool(turn: Turn, name: string, input: ToolInput, status: 'pending' | 'in_progress') {
  turn.session.toolCalls += 1
  const path = input['path']
  const call: ToolCall = {
    toolCallId: `demo-tool-${turn.session.toolCalls}`,
    title: name,
    name,
    kind: KINDS[name] ?? 'other',
    status,
    rawInput: input,
    ...(typeof path === 'string' ? { locations: [{ path: resolve(turn.session.cwd, path) }] } : {}),
  }
  turn.signal.throwIfAborted()
  await turn.send({ sessionUpdate: 'tool_call', ...call })
  return call
}

async function endTool(
  turn: Turn,
  { toolCallId }: ToolCall,
  succeeded: boolean,
  text: string,
): Promise<void> {
  await turn.send({
    sessionUpdate: 'tool_call_update',
    toolCallId,
    status: succeeded ? 'completed' : 'failed',
    content: [{ type: 'content', content: { type: 'text', text } }],
  })
}

function didNothing({ title }: ToolCall): string {
  return `${MARK} ${title} was pretended: nothing was read, written or run.`
}
