#!/usr/bin/env bun
/**
 * An agent that speaks ACP on stdio and whose behaviour is data: it does what `SCENARIO` says, a JSON `AcpScenario`.
 * Every message that it is sent is appended to the file that `RECORD` names, its pid and argv first. It is written
 * without the protocol's SDK, so that the two can't share a mistake.
 */
import { appendFileSync, closeSync, writeSync } from 'node:fs'

type Json = Readonly<Record<string, unknown>>

/** One thing that the fake does in a turn. In messages, `$session` is the session's id and `$pid` the process's. */
export type AcpStep =
  /** A `session/update`. */
  | { readonly update: Json }
  /** A message of the answer: short for an update. */
  | { readonly say: string }
  /** Messages of 1000 characters; how many were written is recorded every ten. */
  | { readonly flood: number }
  /** A line as it is, JSON or not. */
  | { readonly line: string }
  /** A request for permission; what was chosen comes back as a message. */
  | { readonly ask: Json }
  /** A request of any kind; the answer comes back as a message. */
  | { readonly request: { readonly method: string; readonly params: Json } }
  /** Calls a tool of the session's MCP server, and says what came of it, unless it is not waited for. */
  | { readonly call: { readonly name: string; readonly arguments: Json }; readonly beside?: boolean }
  | { readonly pause: number }
  /** Waits for a cancel. */
  | { readonly cancelled: true }
  /** Waits until another session has been given a prompt. */
  | { readonly otherPrompt: true }
  | { readonly hang: true }
  /** Closes stdout and lives on. */
  | { readonly mute: true }
  | { readonly stderr: string }
  | { readonly exit: number }
  /** Ends the turn with this result, in one write with `before`. */
  | { readonly answer: Json; readonly before?: Json }
  | { readonly fail: Json }

export interface AcpScenario {
  /** Members over those of a plain answer to `initialize`; `silent` gives none. */
  readonly initialize?: Json | 'silent'
  /** Results or `{error}` by method. */
  readonly answers?: Readonly<Record<string, Json>>
  /** Steps after the answer to a method, before the next message is looked at. */
  readonly after?: Readonly<Record<string, readonly AcpStep[]>>
  /** Steps for each prompt of a session in turn; the last ones serve all that follow. */
  readonly turns?: readonly (readonly AcpStep[])[]
  /** Whether those steps come some time after the answer, as Gemini's history does. */
  readonly late?: boolean
  /** Never asks MCP servers for their tools. */
  readonly noTools?: boolean
  /** Ignores TERM, and records it. */
  readonly stubborn?: boolean
}

const scenario = JSON.parse(process.env['SCENARIO'] ?? '{}') as AcpScenario
const record = (value: unknown) => {
  const file = process.env['RECORD']
  if (file) appendFileSync(file, `${JSON.stringify(value)}\n`)
}

const prompts = new Map<string, number>()
const cancels = new Map<string, () => void>()
const asked = new Map<number, (result: unknown) => void>()
const waiting: (() => void)[] = []
const servers = new Map<string, { url: string; headers: { name: string; value: string }[] }>()
let sessions = 0
let requests = 0

const toLine = (message: unknown, session: string) =>
  `${JSON.stringify(message)}\n`.replaceAll('$session', session).replaceAll('$pid', String(process.pid))
// What is written while it is held goes out in one piece, so that a reader has all of it at once.
let held: string | undefined
const write = (text: string) => {
  if (held === undefined) writeSync(1, text)
  else held += text
}
const send = (message: Json, session = '') => write(toLine({ jsonrpc: '2.0', ...message }, session))
const toUpdate = (sessionId: string, update: Json) => ({
  method: 'session/update',
  params: { sessionId, update },
})
const toSaying = (sessionId: string, text: string) =>
  toUpdate(sessionId, { sessionUpdate: 'agent_message_chunk', content: { type: 'text', text } })

function request(method: string, params: Json, session: string): Promise<unknown> {
  requests += 1
  const id = requests
  send({ id, method, params }, session)
  return new Promise((resolve) => asked.set(id, resolve))
}

/** Asks the session's MCP server something. The answer is the last message of the response, whatever its form. */
async function askServer(session: string, method: string, params: Json): Promise<Json> {
  const server = servers.get(session)
  if (!server) return {}
  const headers = Object.fromEntries(server.headers.map(({ name, value }) => [name, value]))
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  const answer = await fetch(server.url, { method: 'POST', headers, body })
  const text = (await answer.text()).trim()
  return JSON.parse(text.slice(text.lastIndexOf('\n') + 1).replace(/^data: /, '')).result
}

/** Does one step. Returns what the prompt is answered with where the step ends the turn. */
async function take(step: AcpStep, session: string): Promise<Json | undefined> {
  if ('update' in step) send(toUpdate(session, step.update), session)
  else if ('say' in step) send(toSaying(session, step.say), session)
  else if ('line' in step) write(`${step.line}\n`)
  else if ('stderr' in step) writeSync(2, step.stderr)
  else if ('mute' in step) closeSync(1)
  else if ('exit' in step) process.exit(step.exit)
  else if ('fail' in step) return { error: step.fail }
  else if ('hang' in step) await new Promise(() => {})
  else if ('pause' in step) await Bun.sleep(step.pause)
  else if ('call' in step) {
    const made = askServer(session, 'tools/call', step.call).then((result) => {
      record({ result })
      send(toSaying(session, JSON.stringify(result)), session)
    })
    if (!step.beside) await made
  } else if ('cancelled' in step) await new Promise<void>((resolve) => cancels.set(session, resolve))
  else if ('otherPrompt' in step) await new Promise<void>((resolve) => waiting.push(resolve))
  else if ('answer' in step) {
    const before = step.before ? toLine({ jsonrpc: '2.0', ...toUpdate(session, step.before) }, session) : ''
    return { result: step.answer, before }
  } else if ('flood' in step) {
    for (let count = 1; count <= step.flood; count += 1) {
      send(toSaying(session, 'x'.repeat(1000)), session)
      if (count % 10 === 0) record({ flooded: count })
    }
  } else if ('ask' in step) {
    const { outcome } = (await request(
      'session/request_permission',
      { sessionId: session, ...step.ask },
      session,
    )) as {
      outcome: { optionId?: string }
    }
    send(toSaying(session, outcome.optionId ?? 'cancelled'), session)
  } else {
    const answer = await request(step.request.method, step.request.params, session)
    send(toSaying(session, JSON.stringify(answer)), session)
  }
  return undefined
}

async function prompt(id: unknown, session: string): Promise<void> {
  const count = prompts.get(session) ?? 0
  prompts.set(session, count + 1)
  for (const resume of waiting.splice(0)) resume()
  const turns = scenario.turns ?? []
  let ending: Json | undefined
  for (const step of turns[Math.min(count, turns.length - 1)] ?? []) {
    ending = await take(step, session)
    if (ending) break
  }
  const { before = '', ...end } = ending ?? { result: { stopReason: 'end_turn' } }
  write(`${before}${toLine({ jsonrpc: '2.0', id, ...end }, session)}`)
}

async function receive(message: Json & { method?: string; params?: Json }): Promise<void> {
  record(message)
  const { id, method, params = {} } = message
  const session = String(params['sessionId'] ?? '')
  if (method === undefined) asked.get(Number(id))?.(message['result'] ?? message['error'])
  else if (method === 'session/cancel') cancels.get(session)?.()
  else if (method === 'session/prompt') void prompt(id, session)
  else {
    held = ''
    const opened = await answer(id, method, params, session)
    if (scenario.late) await release()
    for (const step of scenario.after?.[method] ?? []) void take(step, opened)
    await release()
  }
}

async function release(): Promise<void> {
  if (held !== '' && held !== undefined) writeSync(1, held)
  held = undefined
  if (scenario.late) await Bun.sleep(50)
}

/** Answers anything but a prompt. Returns the session that it was about. */
async function answer(id: unknown, method: string, params: Json, session: string): Promise<string> {
  const known = scenario.answers?.[method]
  if (known?.['error']) send({ id, error: known['error'] })
  else if (method === 'initialize') {
    if (scenario.initialize !== 'silent')
      send({ id, result: { protocolVersion: 1, agentCapabilities: {}, ...scenario.initialize } })
  } else if (method === 'session/new') {
    sessions += 1
    const opened = `${process.pid}-${sessions}`
    const [server] = (params['mcpServers'] ?? []) as { url: string; headers: [] }[]
    if (server) servers.set(opened, server)
    if (!scenario.noTools) await askServer(opened, 'tools/list', {})
    send({ id, result: { sessionId: opened, ...known } })
    return opened
  } else if (known) send({ id, result: known })
  else send({ id, error: { code: -32601, message: `"Method not found": ${method}` } })
  return session
}

if (import.meta.main) {
  record({ pid: process.pid, argv: process.argv.slice(2), cwd: process.cwd() })
  if (scenario.stubborn) process.on('SIGTERM', () => record({ signal: 'SIGTERM' }))
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of Bun.stdin.stream()) {
    text += decoder.decode(chunk, { stream: true })
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n')) {
      const line = text.slice(0, at)
      text = text.slice(at + 1)
      await receive(JSON.parse(line))
    }
  }
}
