#!/usr/bin/env bun
/**
 * A `codex app-server` whose behaviour is data. How it starts is in `SCENARIO`, a JSON `CodexScenario`; what a turn
 * does is in the prompt itself, a JSON list of `CodexStep`, so that the threads of one process can differ. Its argv,
 * its home and every message that it is sent are appended to the file that `RECORD` names.
 */
import { appendFileSync, writeSync } from 'node:fs'
import { createInterface } from 'node:readline'

type Fields = Readonly<Record<string, unknown>>

/** One thing that a turn does. `threadId` and `turnId` are added to all params. */
export type CodexStep =
  | { readonly send: string; readonly params?: Fields }
  /** A message of the agent, whole and as one delta; `$pid` is the process's own. */
  | { readonly say: string }
  /** A request; the result or error that comes back becomes a message. */
  | { readonly ask: string; readonly params?: Fields }
  /** Requests for results of the client's tools, all at once; what comes back becomes one message. Can be interrupted. */
  | { readonly calls: readonly Fields[] }
  /** A line as it is, JSON or not. */
  | { readonly line: string }
  /** Waits for an interrupt; `deaf` never answers one. */
  | { readonly hang: 'interruptible' | 'deaf' }
  | { readonly exit: number; readonly stderr?: string }
  /** Ends the turn; without one it completes after its last step. */
  | { readonly end: string; readonly error?: Fields }

export interface CodexScenario {
  readonly account?: Fields
  /** Never answers the first request, or ends instead. */
  readonly start?: 'silent' | { readonly exit: number; readonly stderr: string }
  readonly config?: Fields
  /** What `debug models` prints. */
  readonly catalog?: Fields
  /** Answers to requests, by method, instead of the usual ones. */
  readonly answers?: Readonly<Record<string, Fields>>
  /** Errors for requests, by method. A list serves one request after the other. */
  readonly refuse?: Readonly<Record<string, readonly (Fields | null)[]>>
}

const scenario = JSON.parse(process.env['SCENARIO'] ?? '{}') as CodexScenario
const record = (value: unknown) => {
  const file = process.env['RECORD']
  if (file) appendFileSync(file, `${JSON.stringify(value)}\n`)
}
const line = (text: string): void => {
  writeSync(1, `${text}\n`)
}
const send = (message: Fields) => line(JSON.stringify(message))
const quit = (code: number, stderr = '') => {
  writeSync(2, stderr)
  process.exit(code)
}

const interrupts = new Map<string, () => void>()
const answers = new Map<number, (message: Fields) => void>()
const refused = new Map<string, number>()
const injected = new Map<string, string>()
let threads = 0
let turns = 0
let requests = 0

const interrupted = (turnId: string) =>
  new Promise<void>((resolve) => {
    interrupts.set(turnId, resolve)
  })

async function runTurn(threadId: string, turnId: string, steps: readonly CodexStep[]): Promise<void> {
  const notify = (method: string, params: Fields = {}) =>
    send({ method, params: { threadId, turnId, ...params } })
  const say = (text: string, id = `m${++requests}`) => {
    notify('item/agentMessage/delta', { itemId: id, delta: text })
    notify('item/completed', { item: { type: 'agentMessage', id, text } })
  }
  const end = (status: string, error: Fields | null = null) =>
    send({ method: 'turn/completed', params: { threadId, turn: { id: turnId, status, error } } })

  const ask = async (method: string, params: Fields = {}) => {
    const id = 1000 + ++requests
    const answered = new Promise<Fields>((resolve) => answers.set(id, resolve))
    send({ id, method, params: { threadId, turnId, ...params } })
    const { result, error } = await answered
    return result ?? error
  }

  send({ method: 'turn/started', params: { threadId, turn: { id: turnId } } })
  for (const step of steps) {
    if ('send' in step) notify(step.send, step.params)
    else if ('say' in step) say(step.say.replace('$pid', String(process.pid)))
    else if ('line' in step) line(step.line)
    else if ('exit' in step) quit(step.exit, step.stderr)
    else if ('end' in step) return end(step.end, step.error)
    else if ('ask' in step) say(JSON.stringify(await ask(step.ask, step.params)))
    else if ('calls' in step) {
      const results = Promise.all(step.calls.map((params) => ask('item/tool/call', params)))
      const outcome = await Promise.race([results, interrupted(turnId)])
      if (!outcome) return end('interrupted')
      say(JSON.stringify(outcome))
    } else {
      await (step.hang === 'interruptible' ? interrupted(turnId) : new Promise(() => {}))
      return end('interrupted')
    }
  }
  end('completed')
}

function answer(method: string, params: Fields): Fields {
  const threadId = String(params['threadId'] ?? `t${threads + 1}`)
  const scripted = scenario.answers?.[method]
  if (scripted) return scripted
  switch (method) {
    case 'initialize':
      return { userAgent: 'clinvk/9.8.7 (Fake 1.0; test)' }
    case 'account/read':
      return scenario.account ?? { account: null, requiresOpenaiAuth: false }
    case 'config/read':
      return { config: scenario.config ?? {} }
    case 'model/list':
      return { data: [{ id: 'm-1' }, { id: 'm-2' }] }
    case 'thread/start':
    case 'thread/resume':
      threads += 1
      return { thread: { id: threadId }, model: params['model'] ?? 'm-1' }
    case 'thread/inject_items':
      injected.set(threadId, JSON.stringify(params['items']))
      return {}
    case 'turn/start': {
      const turnId = `u${++turns}`
      setTimeout(() => void runTurn(threadId, turnId, stepsOf(threadId, params['input'])), 0)
      return { turn: { id: turnId } }
    }
    case 'turn/interrupt':
      setTimeout(() => interrupts.get(String(params['turnId']))?.(), 0)
      return {}
    default:
      return {}
  }
}

/** The steps are the first text of the input, or of the item that was injected before. */
function stepsOf(threadId: string, input: unknown): CodexStep[] {
  const item = JSON.parse(injected.get(threadId) ?? '[{"content":[]}]')[0] as { content: Fields[] }
  const parts = (input as Fields[]).length > 0 ? (input as Fields[]) : item.content
  const text = parts.find((part) => typeof part['text'] === 'string')?.['text']
  return JSON.parse(String(text ?? '[]')) as CodexStep[]
}

record({ argv: process.argv.slice(2), home: process.env['CODEX_HOME'] })
if (process.argv[2] === 'debug') {
  line(JSON.stringify(scenario.catalog ?? {}))
  quit(0)
}
if (typeof scenario.start === 'object') quit(scenario.start.exit, scenario.start.stderr)
for await (const received of createInterface({ input: process.stdin })) {
  const message = JSON.parse(received) as { id?: number; method?: string; params?: Fields }
  record(message)
  const { id, method, params = {} } = message
  if (method === undefined) answers.get(id ?? 0)?.(message)
  else if (id !== undefined && scenario.start !== 'silent') {
    const count = refused.get(method) ?? 0
    refused.set(method, count + 1)
    const error = scenario.refuse?.[method]?.[count]
    send(error ? { id, error } : { id, result: answer(method, params) })
  }
}
