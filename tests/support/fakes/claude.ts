#!/usr/bin/env bun
/**
 * A Claude Code whose behaviour is data: it speaks stream-json on stdio and does what `SCENARIO` says, a JSON
 * `ClaudeScenario`. Every line that it is sent is appended to the file that `RECORD` names, its argv first.
 */
import { appendFileSync } from 'node:fs'

/** One thing that the fake does. In messages, `$uuid` is the prompt's, `$pid` the process's own. */
export type ClaudeStep =
  | { readonly send: Readonly<Record<string, unknown>> }
  /** A line as it is, JSON or not. */
  | { readonly line: string }
  /** A control request; the answer comes back as the text of a message. */
  | { readonly ask: Readonly<Record<string, unknown>> }
  /** Waits for the answer to a control request that was sent; it comes back in the same way. */
  | { readonly answered: string }
  /** Waits for an interrupt, and answers it. */
  | { readonly interrupted: true }
  | { readonly stderr: string }
  | { readonly exit: number }
  | { readonly pause: number }

export interface ClaudeScenario {
  /** Steps before the first request is answered. */
  readonly start?: readonly ClaudeStep[]
  /** Steps that take in an earlier message; by default the empty result that says so. */
  readonly history?: readonly ClaudeStep[]
  /** Steps for each prompt in turn; the last ones serve all that follow. */
  readonly turns?: readonly (readonly ClaudeStep[])[]
  /** Steps after the last one of a turn, before the next prompt. */
  readonly between?: readonly ClaudeStep[]
  /** Goes on when stdin is closed and when TERM comes. */
  readonly stubborn?: boolean
  /** What `get_context_usage` answers, by its detail. */
  readonly usage?: Readonly<Record<string, unknown>>
  readonly version?: string
  /** What `auth status --json` prints. */
  readonly auth?: string
}

const scenario = JSON.parse(process.env['SCENARIO'] ?? '{}') as ClaudeScenario
const record = (value: unknown) => {
  const file = process.env['RECORD']
  if (file) appendFileSync(file, `${JSON.stringify(value)}\n`)
}

type Message = Record<string, unknown> & { type?: string; uuid?: string }
const inbox: Message[] = []
let arrived: () => void = () => {}
let asked = 0
let uuid = ''

const write = (text: string) => process.stdout.write(`${text}\n`)
const send = (message: unknown) =>
  write(JSON.stringify(message).replaceAll('$uuid', uuid).replaceAll('$pid', String(process.pid)))

async function receive(wanted: (message: Message) => boolean): Promise<Message> {
  while (true) {
    const index = inbox.findIndex(wanted)
    const [found] = index === -1 ? [] : inbox.splice(index, 1)
    if (found) return found
    await new Promise<void>((resolve) => {
      arrived = resolve
    })
  }
}

const isInterrupt = (message: Message) =>
  message.type === 'control_request' && (message['request'] as Message)['subtype'] === 'interrupt'

async function play(steps: readonly ClaudeStep[]): Promise<void> {
  for (const step of steps) {
    if ('send' in step) send(step.send)
    else if ('line' in step) write(step.line)
    else if ('stderr' in step) process.stderr.write(`${step.stderr}\n`)
    else if ('pause' in step) await Bun.sleep(step.pause)
    else if ('exit' in step) process.exit(step.exit)
    else if ('interrupted' in step) {
      const { request_id } = await receive(isInterrupt)
      send({ type: 'control_response', response: { subtype: 'success', request_id, response: {} } })
    } else if ('answered' in step) await tellAnswer(step.answered)
    else {
      asked += 1
      const id = `ask-${asked}`
      send({ type: 'control_request', request_id: id, request: step.ask })
      await tellAnswer(id)
    }
  }
}

/** Shows the answer to a control request of ours as the text of a message. */
async function tellAnswer(id: string): Promise<void> {
  const { response } = await receive(
    (message) => message.type === 'control_response' && (message['response'] as Message)['request_id'] === id,
  )
  send({
    type: 'assistant',
    message: { id, content: [{ type: 'text', text: JSON.stringify(response) }] },
    parent_tool_use_id: null,
  })
}

async function serve(): Promise<void> {
  const { request_id } = await receive(
    (message) => message.type === 'control_request' && !isInterrupt(message),
  )
  await play(scenario.start ?? [])
  send({ type: 'control_response', response: { subtype: 'success', request_id, response: {} } })
  for (let count = 0; ; count += 1) {
    const prompt = await receiveMessage()
    uuid = prompt.uuid ?? ''
    await play(scenario.turns?.[Math.min(count, scenario.turns.length - 1)] ?? [])
    await play(scenario.between ?? [])
  }
}

/** The next prompt. What is told of earlier ones is taken in on the way. */
async function receiveMessage(): Promise<Message> {
  while (true) {
    const message = await receive(({ type }) => type === 'user')
    if (message['shouldQuery'] !== false) return message
    uuid = message.uuid ?? ''
    const taken = { type: 'result', subtype: 'success', is_error: false, num_turns: 0, total_cost_usd: 0 }
    await play(scenario.history ?? [{ send: taken }])
  }
}

async function listen(): Promise<void> {
  for await (const line of console) {
    const message = JSON.parse(line) as Message
    record(message)
    const asked = (message['request'] ?? {}) as Message
    if (asked['subtype'] === 'get_context_usage') {
      const response = scenario.usage?.[String(asked['detail'])] ?? {}
      send({
        type: 'control_response',
        response: { subtype: 'success', request_id: message['request_id'], response },
      })
      continue
    }
    inbox.push(message)
    arrived()
  }
  if (!scenario.stubborn) process.exit(0)
}

if (import.meta.main) {
  const args = process.argv.slice(2)
  if (args.includes('--version')) write(`${scenario.version ?? '9.8.7'} (Claude Code)`)
  else if (args[0] === 'auth') write(scenario.auth ?? '{"loggedIn": true}')
  else {
    record({ argv: args, env: process.env, pid: process.pid })
    if (scenario.stubborn) {
      process.on('SIGTERM', () => {})
      setInterval(() => {}, 60_000)
    }
    void serve()
    await listen()
  }
}
