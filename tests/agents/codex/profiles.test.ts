import { describe, expect, test } from 'bun:test'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { HistoryMessage } from '../../../src/agents/messages.ts'
import { drive, failure, never, options, say, take, textOf } from './support.ts'

const user = (text: string): HistoryMessage => ({ role: 'user', parts: [{ type: 'text', text }] })
const settingsIn = (argv: readonly string[]) => new Set(argv.filter((_, at) => argv[at - 1] === '-c'))
const settingOf = (argv: readonly string[], name: string) =>
  argv.findLast((flag) => flag.startsWith(`${name}=`))?.slice(name.length + 1)

describe('a profile', () => {
  test('has a process of its own, whose flags nothing after them takes back', async () => {
    await using fake = drive({}, { extraFlags: ['-c', 'features.apps=true'] })
    for (const profile of ['full', 'project', 'pure', 'pure'] as const)
      await fake.driver.open(options({ profile }), never)
    const started = fake.recorded().flatMap(({ argv }) => (argv?.[0] === 'app-server' ? [argv] : []))
    expect(started.map((argv) => settingOf(argv, 'features.apps'))).toEqual(['true', 'false', 'false'])
    expect(started.map((argv) => settingOf(argv, 'features.shell_tool'))).toEqual([
      undefined,
      undefined,
      'false',
    ])
    const [full, project, pure] = started.map(settingsIn)
    expect([...(full ?? [])].filter((setting) => !project?.has(setting))).toEqual([])
    expect([...(project ?? [])].filter((setting) => !pure?.has(setting))).toEqual([])
  })

  test('that is pure gets the catalog of models without their tools, as long as the process lives', async () => {
    const model = { slug: 'm', tool_mode: 'code_mode_only', multi_agent_version: 'v2', context_window: 7 }
    await using fake = drive({ catalog: { models: [model], other: 1 } })
    const session = await fake.driver.open(options({ profile: 'pure' }), never)
    const argv = fake.recorded().find((entry) => entry.argv?.[0] === 'app-server').argv
    const path = JSON.parse(settingOf(argv, 'model_catalog_json') ?? '')
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({
      models: [
        { slug: 'm', context_window: 7, apply_patch_tool_type: null, experimental_supported_tools: [] },
      ],
      other: 1,
    })
    await session.close()
    expect(existsSync(path)).toBe(true)
    await fake.driver.close()
    expect(existsSync(dirname(path))).toBe(false)
  })

  test("has a home without the user's instructions, but not for what is kept or resumed", async () => {
    await using fake = drive()
    const own = join(fake.folder, 'home')
    mkdirSync(own)
    writeFileSync(join(own, 'AGENTS.md'), 'be brief')
    await fake.driver.open(options({ profile: 'project' }), never)
    await fake.driver.open(options({ profile: 'project', ephemeral: false }), never)
    await fake.driver.open(options({ profile: 'full' }), never)
    await fake.driver.open(options({ profile: 'pure', ephemeral: false }), never)
    await fake.driver.open(options({ profile: 'pure', resume: 't9' }), never)
    const homes = fake.recorded().flatMap((entry) => (entry.argv?.[0] === 'app-server' ? [entry.home] : []))
    expect(homes.map((home) => home === own)).toEqual([false, true, true, false, true])
  })

  test("goes without a home of its own where the login is filed under the user's", async () => {
    await using fake = drive({ account: { account: null, requiresOpenaiAuth: true } })
    const own = join(fake.folder, 'home')
    mkdirSync(own)
    writeFileSync(join(own, 'AGENTS.md'), 'be brief')
    expect((await failure(fake.driver.open(options({ profile: 'pure' }), never))).code).toBe('not_logged_in')
    const homes = fake.recorded().flatMap((entry) => (entry.argv?.[0] === 'app-server' ? [entry.home] : []))
    expect(homes.map((home) => home === own)).toEqual([false, true])
  })
})

describe('the history', () => {
  test('is known before the first turn, once', async () => {
    await using fake = drive()
    const history = [user('one'), { role: 'assistant', text: 'two', toolCalls: [] } as const]
    const session = await fake.driver.open(options({ history }), never)
    expect(textOf(await take(session, [{ say: 'three' }]))).toBe('three')
    await take(session, [])
    expect(fake.sent('thread/inject_items')).toEqual([
      {
        threadId: 't1',
        items: [
          { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'one' }] },
          { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'two' }] },
        ],
      },
    ])
  })

  test('may be all there is to answer', async () => {
    await using fake = drive()
    const history = [user(JSON.stringify([{ say: 'answered' }]))]
    const session = await fake.driver.open(options({ history }), never)
    expect(textOf(await Array.fromAsync(session.prompt({ parts: [] }, never)))).toBe('answered')
    expect(fake.sent('turn/start')[0].input).toEqual([])
  })

  test('that is refused leaves no thread behind', async () => {
    const refusal = { code: -32600, message: 'items[0] is not a valid response item' }
    await using fake = drive({ refuse: { 'thread/inject_items': [refusal] } })
    expect(await failure(fake.driver.open(options({ history: [user('x')] }), never))).toMatchObject({
      code: 'agent_failed',
      message: 'codex: items[0] is not a valid response item',
    })
    await fake.driver.open(options(), never)
    expect(fake.sent('thread/unsubscribe')).toEqual([{ threadId: 't1' }])
  })

  test('a document in a prompt is refused', async () => {
    await using fake = drive()
    const session = await fake.driver.open(options(), never)
    const document = { type: 'document', mediaType: 'application/pdf', data: 'AAAA' } as const
    const turn = Array.fromAsync(session.prompt({ parts: [document] }, never))
    expect((await failure(turn)).code).toBe('unsupported_option')
    expect(textOf(await Array.fromAsync(say(session, [{ say: 'next' }])))).toBe('next')
  })
})

test('the effort of every turn is the nearest that the model takes', async () => {
  const supportedReasoningEfforts = [{ reasoningEffort: 'low' }, { reasoningEffort: 'high' }]
  await using fake = drive({
    answers: { 'model/list': { data: [{ id: 'm-1', supportedReasoningEfforts }] } },
  })
  const session = await fake.driver.open(options({ effort: 'max' }), never)
  await take(session, [])
  await take(session, [])
  await take(await fake.driver.open(options({ effort: 'none', model: 'm-1' }), never), [])
  await take(await fake.driver.open(options({ effort: 'none', model: 'unlisted' }), never), [])
  await take(await fake.driver.open(options(), never), [])
  expect(fake.sent('turn/start').map(({ effort }) => effort)).toEqual([
    'high',
    'high',
    'low',
    'none',
    undefined,
  ])
  expect(fake.sent('model/list')).toHaveLength(1)
})
