import { afterAll, beforeAll, describe, expect } from 'bun:test'
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
}

/** The agents that chat clients are tried with. */
export const CHAT_BACKENDS = ['claude', 'codex', 'gemini', 'opencode'] as const
export type ChatBackend = (typeof CHAT_BACKENDS)[number]

const INSTALL_MS = 600_000

/** Declares tests over one server; afterwards nothing of what it has started may be left. */
export function describeChat(name: string, body: (stage: ChatStage) => void): void {
  describe(name, () => {
    let home: AgentHome
    let provider: MockProvider
    let clinvk: ServedClinvk
    beforeAll(async () => {
      home = await createAgentHome()
      provider = await startMockProvider()
      clinvk = await startClinvk({ env: await agentEnv(provider.url, home), cwd: home.workdir })
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
function timesHeard(request: RecordedRequest, text: string): number {
  return JSON.stringify(request.body).split(text).length - 1
}

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
  const sent = JSON.stringify(request.body)
  expect(sent.indexOf(WORDS.first)).toBeLessThan(sent.indexOf(WORDS.answer))
  expect(sent.indexOf(WORDS.answer)).toBeLessThan(sent.indexOf(WORDS.second))
}
