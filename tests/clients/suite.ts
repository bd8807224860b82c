import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type AgentHome, agentEnv, createAgentHome } from '../agents/env.ts'
import {
  type MockProvider,
  type RecordedRequest,
  type Recording,
  startMockProvider,
} from '../support/mock-provider/index.ts'
import { processesIn } from '../support/processes.ts'
import { type ServedClinvk, startClinvk } from '../support/serve.ts'

/** A served clinvk for chat clients, whose agents talk to a mock provider. */
export interface ChatStage {
  readonly url: string
  readonly model: Recording
  /** The home of its agents, and its own. */
  readonly home: string
  /** Ends it, and starts another with the same home. */
  restart(): Promise<void>
}

/** The agents that chat clients are tried with. */
export const CHAT_BACKENDS = ['claude', 'codex', 'gemini', 'opencode'] as const
export type ChatBackend = (typeof CHAT_BACKENDS)[number]

const INSTALL_MS = 600_000

/**
 * Declares tests over one server; afterwards nothing of what it has started may be left. `config` is its configuration
 * file.
 */
export function describeChat(name: string, body: (stage: ChatStage) => void, config?: string): void {
  describe(name, () => {
    let home: AgentHome
    let provider: MockProvider
    let clinvk: ServedClinvk
    const start = async () => {
      const env = await agentEnv(provider.url, home, { geminiAttempts: 1 })
      const file = join(home.home, 'config.yaml')
      // These tests are about what clients and providers see, and run side by side. Processes that nobody asked for would
      // take the CPU from them, and agents that wait for results would have to make room for each other.
      const pool = 'pool:\n  minimum: 0\n  maximum: 64\n'
      await writeFile(file, config?.includes('pool:') ? config : `${config ?? ''}${pool}`)
      const args = ['--config', file]
      clinvk = await startClinvk({ env, cwd: home.workdir, args })
    }
    beforeAll(async () => {
      home = await createAgentHome()
      provider = await startMockProvider()
      await start()
    }, INSTALL_MS)
    afterAll(async () => {
      expect(await clinvk.stop()).toBe(0)
      await provider.stop()
      expect(await processesIn(home.home)).toEqual([])
      await home.remove()
    })
    body({
      get url() {
        return clinvk.url
      },
      get model() {
        return provider
      },
      get home() {
        return home.home
      },
      async restart() {
        expect(await clinvk.stop()).toBe(0)
        await start()
      },
    })
  })
}

/** A message as the provider got it: who says what. Parts that are no text are named by their kind. */
type Heard = readonly [role: string, text: string]

/** The conversation that a provider was sent, whatever its dialect, without system prompts. */
function heardBy(request: RecordedRequest): Heard[] {
  const { body, dialect } = request
  const items = (
    dialect === 'openai' ? body['input'] : dialect === 'gemini' ? body['contents'] : body['messages']
  ) as Item[]
  return items
    .filter(({ role }) => role !== 'developer' && role !== 'system')
    .map((item) => [roleOf(item), textOf(item)])
}

interface Item {
  readonly role?: string
  readonly type?: string
  readonly content?: string | readonly Part[]
  readonly parts?: readonly Part[]
  readonly name?: string
  readonly output?: unknown
}
interface Part {
  readonly type?: string
  readonly text?: string
}

function roleOf({ role, type }: Item): string {
  if (role === 'model') return 'assistant'
  return role ?? type ?? 'unknown'
}

function textOf({ content, parts, name, output }: Item): string {
  if (typeof content === 'string') return content
  const pieces = content ?? parts
  if (!pieces) return name ?? String(output ?? '')
  return pieces.map(({ text, type }) => text ?? `[${type ?? 'data'}]`).join('')
}

/** How often a text occurs in all that the provider was sent. */
export function timesHeard(request: RecordedRequest, text: string): number {
  return JSON.stringify(request.body).split(text).length - 1
}

/** One white pixel. */
export const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

/** The conversation that history tests send: unmistakable words in every turn. */
export const WORDS = {
  system: 'SYSTEM-alpha: answer in one word.',
  first: 'USER-bravo: my colour is blue.',
  answer: 'ASSISTANT-charlie: noted.',
  second: 'USER-delta: which colour?',
} as const

/** What the provider has to have received of {@link WORDS}: everything once, and true roles where agents can. */
export function expectHistory(backend: ChatBackend, request: RecordedRequest): void {
  for (const text of Object.values(WORDS)) expect(timesHeard(request, text)).toBe(1)
  const heard = heardBy(request)
  const rolesOf = (text: string) => heard.filter(([, said]) => said.includes(text)).map(([role]) => role)
  expect(rolesOf(WORDS.second)).toEqual(['user'])
  expect(rolesOf(WORDS.first)).toEqual(['user'])
  if (backend === 'claude' || backend === 'codex') expect(rolesOf(WORDS.answer)).toEqual(['assistant'])
  if (backend === 'claude' || backend === 'codex') expect(request.system).toContain(WORDS.system)
  const sent = JSON.stringify(request.body)
  expect(sent.indexOf(WORDS.first)).toBeLessThan(sent.indexOf(WORDS.answer))
  expect(sent.indexOf(WORDS.answer)).toBeLessThan(sent.indexOf(WORDS.second))
}

/** What the provider was asked last. */
export function lastCall({ model }: ChatStage): RecordedRequest {
  const call = model.calls.at(-1)
  if (!call) throw new Error('The provider was not called.')
  return call
}

/** Declares that the image in a tool's result reaches the provider there. `send` sends one turn with such a history. */
export function describeToolImage(
  stage: ChatStage,
  send: (model: ChatBackend, ids: { call: string; image: string }) => Promise<unknown>,
): void {
  test.each(['claude', 'codex'] as const)("an image in a tool's result reaches %s as such", async (model) => {
    stage.model.play({ text: 'A pixel.' })
    await send(model, { call: 'call_echo', image: PNG })
    const call = lastCall(stage)
    expect(timesHeard(call, PNG)).toBe(1)
    const [result, ...others] = resultsOf(call)
    expect(others).toEqual([])
    expect(result).toMatchObject(
      model === 'claude'
        ? {
            tool_use_id: 'call_echo',
            content: [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } }],
          }
        : {
            call_id: 'call_echo',
            output: [{ type: 'input_image', image_url: `data:image/png;base64,${PNG}` }],
          },
    )
  })
}

/** The results of tools that the provider was sent, in its dialect. */
function resultsOf({ body, dialect }: RecordedRequest): unknown[] {
  if (dialect === 'openai')
    return (body['input'] as Item[]).filter(({ type }) => type === 'function_call_output')
  return (body['messages'] as Item[])
    .flatMap(({ content }) => (typeof content === 'string' ? [] : (content ?? [])))
    .filter(({ type }) => type === 'tool_result')
}
