/** What a real Claude Code makes of a session's options: asserted on what reaches the provider. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { createClaudeDriver } from '../../../src/agents/claude/driver.ts'
import type { HistoryMessage } from '../../../src/agents/messages.ts'
import type { AgentDriver, InputPart, SessionOptions } from '../../../src/agents/types.ts'
import { type MockProvider, type Recording, startMockProvider } from '../../support/mock-provider/index.ts'
import { type AgentHome, agentEnv, createAgentHome } from '../env.ts'
import { failure, never, options as plainOptions, textOf } from './support.ts'

// The first test of all may have to install the agents.
const INSTALL_MS = 600_000
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
const PDF = btoa(
  '%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj',
)

/** One that takes system messages between the others and chooses its thinking, and one that does neither. */
const MODELS = ['claude-opus-5-5', 'claude-sonnet-4-5']

const text = (words: string) => ({ type: 'text' as const, text: words })
const asked = (...parts: (string | InputPart)[]): HistoryMessage => ({
  role: 'user',
  parts: parts.map((part) => (typeof part === 'string' ? text(part) : part)),
})
const answered = (words: string, ...calls: string[]): HistoryMessage => ({
  role: 'assistant',
  text: words,
  toolCalls: calls.map((id) => ({ id, name: 'get_weather', input: { city: 'Rome' } })),
})
const returned = (callId: string, ...parts: InputPart[]): HistoryMessage => ({
  role: 'tool',
  callId,
  parts,
  isError: callId === 'bad',
})

let provider: MockProvider
let home: AgentHome
let model: Recording
let driver: AgentDriver
let env: Record<string, string>
let scenarios = 0

beforeAll(async () => {
  provider = await startMockProvider()
})
afterAll(() => provider.stop())
beforeEach(async () => {
  scenarios += 1
  home = await createAgentHome()
  model = provider.scenario(`claude-${scenarios}`, { text: 'Fine.' })
  env = await agentEnv(model.url, home)
  start()
}, INSTALL_MS)
afterEach(async () => {
  await driver.close()
  await home.remove()
})

function start() {
  const command = [join(env['PATH']?.split(':')[0] ?? '', 'claude')]
  driver = createClaudeDriver({ name: 'claude', driver: 'claude', command, env, models: [], extraFlags: [] })
}

const open = (more: Partial<SessionOptions>) =>
  driver.open(plainOptions({ workdir: home.workdir, ephemeral: true, ...more }), never)

/** Takes one turn in a session of its own. What it resolves to is what the provider was asked. */
async function ask(more: Partial<SessionOptions>, ...parts: InputPart[]) {
  const session = await open(more)
  const events = await Array.fromAsync(
    session.prompt({ parts: parts.length > 0 ? parts : [text('Now?')] }, never),
  )
  expect(textOf(events)).toBe('Fine.')
  return lastCall()
}

function lastCall() {
  const call = model.calls.at(-1)
  if (!call) throw new Error('The provider was not called.')
  return call
}

/** The conversation as the provider got it, without what Claude Code tells of the day and the place. */
function dialogue({ body }: ReturnType<typeof lastCall>) {
  type Content = readonly Readonly<Record<string, unknown>>[]
  const messages = body['messages'] as readonly { role: string; content: Content | string }[]
  return messages
    .filter(({ role }) => role !== 'system')
    .map(({ role, content }) => [
      role,
      typeof content === 'string'
        ? content
        : content
            .map(({ cache_control: _, ...block }) => block)
            .filter((block) => !String(block['text']).startsWith('<system-reminder>')),
    ])
}

const image = { type: 'image', mediaType: 'image/png', data: PNG } as const
const pdf = { type: 'document', mediaType: 'application/pdf', data: PDF, name: 'a.pdf' } as const
const imageBlock = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } }
const pdfBlock = {
  type: 'document',
  source: { type: 'base64', media_type: 'application/pdf', data: PDF },
  title: 'a.pdf',
}
const use = (id: string) => ({ type: 'tool_use', id, name: 'get_weather', input: { city: 'Rome' } })

describe.each(MODELS)('earlier messages for %s', (name) => {
  test('reach the provider in their roles, in order and once', async () => {
    const history = Array.from({ length: 40 }, (_, at) =>
      at % 2 === 0
        ? asked(`question ${at}`)
        : answered(`answer ${at} ${'long '.repeat(at === 21 ? 40_000 : 1)}.`),
    )
    const call = await ask({ model: name, profile: 'pure', history })
    expect(dialogue(call)).toEqual([
      ...history.map((message) => [
        message.role,
        [message.role === 'assistant' ? text(message.text) : text(textIn(message))],
      ]),
      ['user', [text('Now?')]],
    ])
    expect(model.calls.length).toBe(1)
  })

  test('tell calls, results, images and documents as what they are, the last result with the prompt', async () => {
    const history = [
      asked('/help', image, pdf),
      answered('Looking.', 'one', 'bad'),
      returned('one', text('22 C'), image),
      returned('bad', text('no such city')),
      answered('22 C.'),
      asked('@CLAUDE.md and again?'),
      answered('', 'two'),
      returned('two'),
    ]
    const call = await ask({ model: name, profile: 'pure', history }, text('Well?'), pdf)
    const result = (id: string, content: unknown[], is_error = false) => ({
      type: 'tool_result',
      tool_use_id: id,
      content,
      is_error,
    })
    expect(dialogue(call)).toEqual([
      ['user', [text('/help'), imageBlock, pdfBlock]],
      ['assistant', [text('Looking.'), use('one'), use('bad')]],
      ['user', [result('one', [text('22 C'), imageBlock]), result('bad', [text('no such city')], true)]],
      ['assistant', [text('22 C.')]],
      ['user', [text('@CLAUDE.md and again?')]],
      ['assistant', [use('two')]],
      ['user', [result('two', []), text('Well?'), pdfBlock]],
    ])
  })

  test('lose nothing of results that failed, although those can have text only', async () => {
    const history = [
      asked('Look.'),
      answered('', 'one', 'bad'),
      returned('bad', text('too dark'), image, pdf),
      returned('one', image),
      answered('Both?', 'bad'),
      returned('bad', image),
    ]
    const call = await ask({ model: name, profile: 'pure', history })
    expect(dialogue(call).slice(2)).toEqual([
      [
        'user',
        [
          { type: 'tool_result', tool_use_id: 'bad', content: [text('too dark')], is_error: true },
          { type: 'tool_result', tool_use_id: 'one', content: [imageBlock], is_error: false },
          imageBlock,
          pdfBlock,
        ],
      ],
      ['assistant', [text('Both?'), use('bad-2')]],
      [
        'user',
        [
          { type: 'tool_result', tool_use_id: 'bad-2', content: [text('[image]')], is_error: true },
          imageBlock,
          text('Now?'),
        ],
      ],
    ])
  })

  test('are known in later turns, and in another process that goes on', async () => {
    const history = [asked('first'), answered('hello'), asked('second')]
    const session = await open({ model: name, history, ephemeral: false })
    await Array.fromAsync(session.prompt({ parts: [text('third')] }, never))
    await Array.fromAsync(session.prompt({ parts: [text('fourth')] }, never))
    await session.close()
    const { id } = session
    if (id === undefined) throw new Error('The session has no id.')
    const call = await ask({ model: name, ephemeral: false, resume: id })
    expect(dialogue(call)).toEqual([
      ['user', [text('first')]],
      ['assistant', [text('hello')]],
      ['user', [text('second'), text('third')]],
      ['assistant', [text('Fine.')]],
      ['user', [text('fourth')]],
      ['assistant', [text('Fine.')]],
      ['user', [text('Now?')]],
    ])
  })
})

function textIn(message: HistoryMessage): string {
  const [part] = message.role === 'assistant' ? [] : message.parts
  return part?.type === 'text' ? part.text : ''
}

describe('the profile', () => {
  beforeEach(async () => {
    await Bun.write(join(home.workdir, 'CLAUDE.md'), 'INSTRUCTIONS OF THE FOLDER')
    await Bun.write(join(home.home, '.claude', 'CLAUDE.md'), 'INSTRUCTIONS OF THE USER')
    await Bun.write(join(home.home, '.claude', 'rules', 'rule.md'), 'RULES OF THE USER')
    await Bun.write(
      join(home.home, '.claude', 'agents', 'mine.md'),
      '---\nname: mine\ndescription: AGENT OF THE USER\n---\n',
    )
    const hook = (name: string) => ({
      hooks: {
        UserPromptSubmit: [{ hooks: [{ type: 'command', command: `touch ${join(home.home, name)}` }] }],
      },
    })
    await Bun.write(join(home.workdir, '.claude', 'settings.json'), JSON.stringify(hook('folder-hook')))
    await Bun.write(join(home.home, '.claude', 'settings.json'), JSON.stringify(hook('user-hook')))
    Bun.spawnSync(['git', 'init', '-q'], { cwd: home.workdir })
  })
  const found = async (call: ReturnType<typeof lastCall>) => {
    const sent = JSON.stringify(call.body)
    const marks = [
      'INSTRUCTIONS OF THE FOLDER',
      'INSTRUCTIONS OF THE USER',
      'RULES OF THE USER',
      'AGENT OF THE USER',
    ]
    const hooks = ['folder-hook', 'user-hook']
    const ran = await Promise.all(hooks.map((name) => Bun.file(join(home.home, name)).exists()))
    return [...marks.filter((mark) => sent.includes(mark)), ...hooks.filter((_, at) => ran[at])]
  }

  test.each(MODELS)(
    'pure is a call of %s with a system prompt of its own and without tools',
    async (name) => {
      const call = await ask({ model: name, profile: 'pure', systemPrompt: 'Talk like a pirate.' })
      expect(await found(call)).toEqual([])
      expect(call.tools).toEqual([])
      expect(dialogue(call)).toEqual([['user', [text('Now?')]]])
      const system = call.body['system'] as { text: string }[]
      expect(system.at(-1)?.text).toBe('Talk like a pirate.')
      expect(JSON.stringify(call.body)).not.toContain('gitStatus')
      expect(JSON.stringify(call.body).length).toBeLessThan(3000)
    },
  )

  test('pure without a system prompt has none but the line that a login needs', async () => {
    const call = await ask({ profile: 'pure' })
    expect(call.system.length).toBeLessThan(200)
    expect(JSON.stringify(call.body).length).toBeLessThan(3000)
  })

  test('project has tools and what the folder sets up', async () => {
    const call = await ask({ profile: 'project', systemPrompt: 'Talk like a pirate.' })
    expect(await found(call)).toEqual(['INSTRUCTIONS OF THE FOLDER', 'folder-hook'])
    expect(call.tools).toContain('Bash')
    expect(call.system).toContain('Talk like a pirate.')
    expect(call.system.length).toBeGreaterThan(1000)
  })

  test('full has everything', async () => {
    expect(await found(await ask({}))).toEqual([
      'INSTRUCTIONS OF THE FOLDER',
      'INSTRUCTIONS OF THE USER',
      'RULES OF THE USER',
      'AGENT OF THE USER',
      'folder-hook',
      'user-hook',
    ])
  })

  test.each(['pure', 'project', 'full'] as const)('%s logs in as the user has set up', async (profile) => {
    const settings = {
      apiKeyHelper: 'echo key-of-the-helper',
      env: { ANTHROPIC_CUSTOM_HEADERS: 'x-way: mine' },
    }
    await Bun.write(join(home.home, '.claude', 'settings.json'), JSON.stringify(settings))
    delete env['ANTHROPIC_API_KEY']
    const { headers } = await ask({ profile })
    expect([headers['x-api-key'], headers['x-way']]).toEqual(['key-of-the-helper', 'mine'])
  })
})

describe('a refusal', () => {
  test.each([...MODELS, 'claude-fable-5'])(
    'of %s is the answer, and the model is not asked again',
    async (name) => {
      model.play([{ text: 'First', stopReason: 'refusal' }, { text: 'Second' }])
      const session = await open({ model: name })
      const events = await Array.fromAsync(session.prompt({ parts: [text('Now?')] }, never))
      expect(textOf(events)).toBe('First')
      expect(events.at(-1)).toMatchObject({ type: 'done', stopReason: 'refusal' })
      expect(model.calls.length).toBe(1)
    },
  )

  test('is not told to the model of the next turn as something to talk about', async () => {
    model.play([{ text: 'First', stopReason: 'refusal' }, { text: 'Fine.' }])
    const session = await open({ profile: 'pure' })
    await Array.fromAsync(session.prompt({ parts: [text('Now?')] }, never))
    const events = await Array.fromAsync(session.prompt({ parts: [text('And now?')] }, never))
    expect(textOf(events)).toBe('Fine.')
    expect(JSON.stringify(lastCall().body['messages'])).not.toContain('safety')
  })
})

describe('an answer of limited length', () => {
  test.each<[string, Partial<SessionOptions>]>([
    ['an agent', { maxTokens: 5 }],
    ['a chat that is kept', { profile: 'pure', maxTokens: 5, ephemeral: false }],
  ])('of %s ends at the limit', async (_, more) => {
    model.play([{ text: 'First', stopReason: 'max_tokens' }, { text: 'Second' }])
    const session = await open(more)
    const events = await Array.fromAsync(session.prompt({ parts: [text('Now?')] }, never))
    expect(textOf(events)).toBe('First')
    expect(events.at(-1)).toMatchObject({ type: 'done', stopReason: 'max_tokens' })
  })

  test('of a chat is asked for once', async () => {
    const usage = { input: 9, cachedInput: 4, output: 5 }
    model.play([{ text: 'First', stopReason: 'max_tokens', usage }, { text: 'Second' }])
    const session = await open({ profile: 'pure', maxTokens: 5 })
    const events = await Array.fromAsync(session.prompt({ parts: [text('Now?')] }, never))
    expect(textOf(events)).toBe('First')
    expect(events.at(-1)).toMatchObject({
      type: 'done',
      stopReason: 'max_tokens',
      usage: { inputTokens: 9, cachedTokens: 4, outputTokens: 5 },
    })
    await session.close()
    await model.idle()
    expect(model.calls.length).toBe(1)
  })
})

describe('what is used up', () => {
  test.each([
    'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.',
    'You have reached your specified API usage limits. You will regain access on 2026-01-01 at 00:00 UTC.',
  ])('is a matter of billing: %s', async (message) => {
    model.play({ status: 400, message })
    const session = await open({ profile: 'pure' })
    const error = await failure(Array.fromAsync(session.prompt({ parts: [text('Now?')] }, never)))
    expect(error).toMatchObject({ code: 'upstream_billing', status: 402 })
  })

  test('of a plan is a rate limit, until the plan goes on', async () => {
    const reset = Math.floor(Date.now() / 1000) + 3600
    const headers = {
      'anthropic-ratelimit-unified-status': 'rejected',
      'anthropic-ratelimit-unified-reset': `${reset}`,
      'anthropic-ratelimit-unified-representative-claim': 'five_hour',
    }
    const body = { type: 'error', error: { type: 'rate_limit_error', message: 'Too much.' } }
    await using server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: () => Response.json(body, { status: 429, headers }),
    })
    delete env['ANTHROPIC_API_KEY']
    Object.assign(env, {
      ANTHROPIC_BASE_URL: server.url.origin,
      CLAUDE_CODE_OAUTH_TOKEN: 'sk-ant-oat01-mock',
    })
    const session = await open({ profile: 'pure' })
    const error = await failure(Array.fromAsync(session.prompt({ parts: [text('Now?')] }, never)))
    expect(error).toMatchObject({ code: 'upstream_rate_limited', status: 429 })
    expect(error.message).toContain('5-hour limit')
    expect(error.retryAfterMs).toBeWithin(3_500_000, 3_600_001)
  })
})

describe('the effort', () => {
  test.each<[string, Partial<SessionOptions>, unknown, unknown]>([
    ['claude-opus-5-5', { effort: 'minimal' }, 'adaptive', 'low'],
    ['claude-opus-5-5', { effort: 'high' }, 'adaptive', 'high'],
    ['claude-opus-5-5', { effort: 'max' }, 'adaptive', 'max'],
    ['claude-opus-4-7', { effort: 'none' }, 'disabled', 'low'],
    ['claude-sonnet-4-5', { effort: 'none' }, 'disabled', undefined],
    ['claude-sonnet-4-5', { effort: 'low' }, 4000, undefined],
    ['claude-sonnet-4-5', { effort: 'max' }, 31_999, undefined],
    ['claude-sonnet-4-5', { effort: 'max', maxTokens: 4000 }, 2000, undefined],
    ['claude-sonnet-4-5', { maxTokens: 500 }, 'disabled', undefined],
  ])('for %s, asked for by %j, is %p and %p', async (name, more, thinking, level) => {
    const { body } = await ask({ model: name, profile: 'pure', ...more })
    const told = body['thinking'] as { type?: string; budget_tokens?: number } | undefined
    expect(told?.budget_tokens ?? told?.type).toEqual(thinking as string)
    expect((body['output_config'] as { effort?: string } | undefined)?.effort).toEqual(level as string)
  })
})

test('tokens are counted by the provider, and the model is not asked', async () => {
  const history = [asked('one'), answered('two')]
  const count = await driver.countTokens?.(
    plainOptions({
      workdir: home.workdir,
      ephemeral: true,
      profile: 'pure',
      systemPrompt: 'be brief',
      history,
    }),
    { parts: [text('three')] },
    never,
  )
  // The mock counts 10 for whatever it is asked: for the messages and for the system prompt.
  expect(count).toBe(20)
  expect(model.calls).toEqual([])
  const counted = model.requests.filter(({ path }) => path.includes('count_tokens'))
  expect(counted.map(({ body }) => body['messages'])).toContainEqual([
    { role: 'user', content: [{ type: 'text', text: 'one' }] },
    { role: 'assistant', content: [{ type: 'text', text: 'two' }] },
    { role: 'user', content: [{ type: 'text', text: 'three' }] },
  ])
})
