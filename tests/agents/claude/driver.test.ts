import { describe, expect, test } from 'bun:test'
import type { HistoryMessage } from '../../../src/agents/messages.ts'
import { ClinvkError } from '../../../src/errors.ts'
import type { ClaudeStep } from '../../support/fakes/claude.ts'
import { isAlive, waitUntil } from '../../support/processes.ts'
import {
  answer,
  assistant,
  drive,
  failure,
  init,
  kindsOf,
  messageStart,
  never,
  options,
  result,
  say,
  stream,
  take,
  textDelta,
  textOf,
} from './support.ts'

/** How much the fake has written down, which is nothing before it runs. */
const recordedBy = ({ recorded }: ReturnType<typeof drive>) => {
  try {
    return recorded().length
  } catch {
    return 0
  }
}

describe('a session of Claude Code', () => {
  test('keeps one process over its turns', async () => {
    await using fake = drive({ turns: [answer('one $pid'), answer('two $pid')] })
    const session = await fake.driver.open(options(), never)
    const [first, second] = [await take(session), await take(session)]
    expect(textOf(first)).toMatch(/^one \d+$/)
    expect(textOf(second)).toBe(textOf(first).replace('one', 'two'))
    expect(kindsOf(second)).toEqual(['init', 'text', 'done'])
    expect(session.id).toBe('s-1')
  })

  test('sends prompts as composed text on stdin, and never on the command line', async () => {
    await using fake = drive({ turns: [answer('ok')] })
    const session = await fake.driver.open(options({ systemPrompt: 'be brief' }), never)
    await take(session, '/help @file --version')
    const [start, initialize, prompt] = fake.recorded()
    expect(start.argv.join(' ')).not.toContain('help')
    expect(start.argv.join(' ')).not.toContain('be brief')
    expect(initialize.request).toEqual({ subtype: 'initialize', appendSystemPrompt: 'be brief' })
    expect(prompt).toMatchObject({
      type: 'user',
      client_composed: true,
      message: { role: 'user', content: [{ type: 'text', text: '/help @file --version' }] },
    })
  })

  test('gives images as blocks', async () => {
    await using fake = drive({ turns: [answer('ok')] })
    const session = await fake.driver.open(options(), never)
    const image = { type: 'image', mediaType: 'image/png', data: 'AAAA' } as const
    await Array.fromAsync(session.prompt({ parts: [image, { type: 'text', text: '' }] }, never))
    expect(fake.recorded()[2].message.content).toEqual([
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
    ])
  })

  test('refuses a document that is no PDF, and takes the next prompt', async () => {
    await using fake = drive({ turns: [answer('ok')] })
    const session = await fake.driver.open(options(), never)
    const sheet = { type: 'document', mediaType: 'text/csv', data: 'AAAA' } as const
    const refused = Array.fromAsync(session.prompt({ parts: [sheet] }, never))
    expect((await failure(refused)).code).toBe('unsupported_option')
    expect(textOf(await take(session))).toBe('ok')
  })

  test('is interrupted when its turn is cancelled, and takes the next one', async () => {
    const cancelled: ClaudeStep[] = [
      init,
      { send: messageStart('m') },
      { send: textDelta('begun') },
      { interrupted: true },
      { send: result({ subtype: 'error_during_execution', is_error: true }) },
    ]
    await using fake = drive({ turns: [cancelled, answer('next $pid')] })
    const session = await fake.driver.open(options(), never)
    const controller = new AbortController()
    const seen: string[] = []
    const turn = async () => {
      for await (const event of say(session, 'hi', controller.signal)) {
        seen.push(event.type)
        if (event.type === 'text') controller.abort()
      }
    }
    expect(await failure(turn())).toMatchObject({ code: 'cancelled', status: 499 })
    expect(seen).toEqual(['init', 'text'])
    expect(session.alive).toBe(true)
    expect(textOf(await take(session))).toStartWith('next ')
  })

  test('is interrupted when its reader leaves', async () => {
    const left: ClaudeStep[] = [
      init,
      { interrupted: true },
      { send: result({ is_error: true, subtype: 'x' }) },
    ]
    await using fake = drive({ turns: [left, answer('next')] })
    const session = await fake.driver.open(options(), never)
    for await (const _ of say(session)) break
    expect(textOf(await take(session))).toBe('next')
  })

  test('says an interrupt again that came before the turn had begun', async () => {
    const early: ClaudeStep[] = [
      { send: { type: 'command_lifecycle', command_uuid: '$uuid', state: 'queued' } },
      { interrupted: true },
      { send: { type: 'command_lifecycle', command_uuid: '$uuid', state: 'started' } },
      { interrupted: true },
      { send: result({ is_error: true, subtype: 'error_during_execution' }) },
    ]
    const started: ClaudeStep = {
      send: { type: 'command_lifecycle', command_uuid: '$uuid', state: 'started' },
    }
    await using fake = drive({ turns: [early, [started, ...answer('next')]] })
    const session = await fake.driver.open(options(), never)
    const controller = new AbortController()
    const turn = take(session, 'hi', controller.signal)
    await waitUntil(() => fake.recorded().length === 3)
    controller.abort()
    expect((await failure(turn)).code).toBe('cancelled')
    expect(session.alive).toBe(true)
    expect(textOf(await take(session))).toBe('next')
  })

  test('is ended, grandchildren and all, where it ignores the interrupt and TERM', async () => {
    await using fake = drive({ stubborn: true, turns: [[init, { send: textDelta('$pid') }]] })
    const session = await fake.driver.open(options(), never)
    const controller = new AbortController()
    let pid = 0
    const turn = async () => {
      for await (const event of say(session, 'hi', controller.signal))
        if (event.type === 'text') {
          pid = Number(event.text)
          controller.abort(new ClinvkError('timeout', 'Too late.'))
        }
    }
    expect(await failure(turn())).toMatchObject({ code: 'timeout', message: 'Too late.' })
    expect(pid).toBeGreaterThan(0)
    expect(isAlive(pid)).toBe(false)
    expect(session.alive).toBe(false)
  })

  test('tells how its process ended when that happens in a turn', async () => {
    await using fake = drive({
      turns: [[init, { stderr: 'segmentation something' }, { pause: 50 }, { exit: 3 }]],
    })
    const session = await fake.driver.open(options(), never)
    expect(await failure(take(session))).toEqual({
      code: 'agent_crashed',
      status: 502,
      message: 'claude ended with exit code 3: segmentation something',
    })
    expect(session.alive).toBe(false)
    expect((await failure(take(session))).code).toBe('agent_crashed')
  })

  test('is not alive when its process died between two turns', async () => {
    await using fake = drive({ turns: [answer('ok')], between: [{ exit: 0 }] })
    const session = await fake.driver.open(options(), never)
    await take(session)
    await waitUntil(() => !session.alive)
    expect((await failure(take(session))).code).toBe('agent_crashed')
  })

  test('skips lines that are no JSON and messages that it does not know', async () => {
    await using fake = drive({
      turns: [
        [
          { line: 'warning: {not json' },
          { line: '[1,2]' },
          { line: '{"type":"stream_event"}' },
          { line: '{"type":7,"message":null}' },
          { send: { type: 'tomorrow', message: { content: 'x' } } },
          ...answer('ok'),
        ],
      ],
    })
    const session = await fake.driver.open(options(), never)
    const events = await take(session)
    expect(kindsOf(events)).toEqual(['init', 'text', 'done'])
  })

  test('is not taken in by a turn that the agent began by itself', async () => {
    const between: ClaudeStep[] = [init, { send: textDelta('unasked') }]
    const queued: ClaudeStep[] = [
      { send: { type: 'command_lifecycle', command_uuid: '$uuid', state: 'queued' } },
      { send: textDelta('still unasked') },
      { send: result({ origin: { kind: 'task-notification' } }) },
      { send: { type: 'command_lifecycle', command_uuid: '$uuid', state: 'started' } },
      init,
      { send: textDelta('asked') },
      { send: result({ user_message_uuids: ['$uuid'] }) },
    ]
    await using fake = drive({ turns: [queued], between })
    const session = await fake.driver.open(options(), never)
    // The first turn tells that this version says when a prompt is begun.
    await take(session)
    expect(textOf(await take(session))).toBe('asked')
  })

  test('refuses a second turn while one is under way', async () => {
    await using fake = drive({ turns: [[init, { interrupted: true }, { send: result() }]] })
    const session = await fake.driver.open(options(), never)
    const turn = say(session)
    await turn.next()
    expect((await failure(take(session))).code).toBe('session_busy')
    await turn.return()
  })

  test('stops the agent at the length that was asked for', async () => {
    const cut: ClaudeStep[] = [
      init,
      { send: messageStart('m') },
      { send: textDelta('as long as') },
      {
        send: {
          type: 'stream_event',
          event: { type: 'message_delta', delta: { stop_reason: 'max_tokens' } },
        },
      },
      { send: textDelta(' this goes on by itself') },
      { interrupted: true },
      { send: result({ is_error: true, subtype: 'error_during_execution' }) },
    ]
    await using fake = drive({ turns: [cut] })
    const session = await fake.driver.open(options({ maxTokens: 3 }), never)
    const events = await take(session)
    expect(textOf(events)).toBe('as long as')
    expect(events.at(-1)).toMatchObject({ type: 'done', stopReason: 'max_tokens' })
    expect(fake.recorded()[0].env.CLAUDE_CODE_MAX_OUTPUT_TOKENS).toBe('3')
  })

  test('is killed there where it is for one call only, which says what it took', async () => {
    const start = { input_tokens: 7, cache_read_input_tokens: 2, output_tokens: 1 }
    const end = { output_tokens: 3 }
    const cut: ClaudeStep[] = [
      init,
      { send: stream({ type: 'message_start', message: { id: 'm', model: 'm-1', usage: start } }) },
      { send: textDelta('$pid') },
      { send: stream({ type: 'message_delta', delta: { stop_reason: 'max_tokens' }, usage: end }) },
      { send: textDelta(' this goes on by itself') },
    ]
    await using fake = drive({ stubborn: true, turns: [cut] })
    const session = await fake.driver.open(options({ maxTokens: 3, profile: 'pure', ephemeral: true }), never)
    const events = await take(session)
    expect(events.at(-1)).toEqual({
      type: 'done',
      stopReason: 'max_tokens',
      usage: { inputTokens: 9, outputTokens: 3, cachedTokens: 2 },
      model: 'm-1',
    })
    expect(session.alive).toBe(false)
    await session.close()
    expect(isAlive(Number(textOf(events)))).toBe(false)
    // It was not asked to stop.
    expect(fake.recorded().length).toBe(3)
  })
})

describe('requests of the agent', () => {
  const ask = (request: Record<string, unknown>): ClaudeStep[] => [init, { ask: request }, { send: result() }]
  const write = { subtype: 'can_use_tool', tool_name: 'Bash', input: { command: 'ls' }, tool_use_id: 't-1' }
  const hook = {
    subtype: 'hook_callback',
    callback_id: 'tool',
    input: {
      hook_event_name: 'PreToolUse',
      tool_name: 'Bash',
      tool_input: { command: 'ls' },
      tool_use_id: 't-1',
    },
  }

  test('for permission are denied and shown, where nobody can be asked', async () => {
    await using fake = drive({ turns: [ask(write)] })
    const events = await take(await fake.driver.open(options(), never))
    expect(events[1]).toEqual({
      type: 'approval',
      toolId: 't-1',
      tool: 'Bash',
      decision: 'denied',
      reason: 'Nobody can be asked here. approval_mode "none" would allow it.',
    })
    expect(JSON.parse(textOf(events)).response).toMatchObject({ behavior: 'deny' })
  })

  test('for permission are allowed and shown once under approval_mode none', async () => {
    await using fake = drive({ turns: [[init, { ask: hook }, { ask: write }, { send: result() }]] })
    const events = await take(await fake.driver.open(options({ approvalMode: 'none' }), never))
    expect(kindsOf(events)).toEqual(['init', 'approval', 'text', 'text', 'done'])
    expect(events[1]).toMatchObject({ tool: 'Bash', decision: 'allowed' })
    const [before, asked] = events
      .filter((event) => event.type === 'text')
      .map(({ text }) => JSON.parse(text))
    expect(before.response.hookSpecificOutput).toMatchObject({ permissionDecision: 'allow' })
    expect(asked.response).toEqual({ behavior: 'allow', updatedInput: { command: 'ls' } })
  })

  test('before a tool runs are denied and shown under approval_mode always', async () => {
    await using fake = drive({ turns: [ask(hook)] })
    const events = await take(await fake.driver.open(options({ approvalMode: 'always' }), never))
    expect(events[1]).toMatchObject({ type: 'approval', toolId: 't-1', decision: 'denied' })
    expect(JSON.parse(textOf(events)).response.hookSpecificOutput.permissionDecision).toBe('deny')
  })

  test('that are not known are answered with an error, so that nothing waits', async () => {
    await using fake = drive({ turns: [ask({ subtype: 'elicitation', message: 'your name?' })] })
    const events = await take(await fake.driver.open(options(), never))
    expect(JSON.parse(textOf(events))).toMatchObject({ subtype: 'error', error: expect.any(String) })
  })
})

describe('opening a session', () => {
  test('throws session_not_found for a conversation that does not exist', async () => {
    const words = 'No conversation found with session ID: gone'
    for (const start of [
      [{ stderr: words }, { pause: 50 }, { exit: 1 }],
      [{ send: result({ is_error: true, subtype: 'error_during_execution', errors: [words] }) }, { exit: 1 }],
    ] satisfies ClaudeStep[][]) {
      await using fake = drive({ start })
      const opened = failure(fake.driver.open(options({ resume: 'gone' }), never))
      expect(await opened).toMatchObject({ code: 'session_not_found', status: 404 })
    }
  })

  test('throws with the last words of a process that will not start', async () => {
    await using fake = drive({
      start: [{ stderr: "error: unknown option '--x'" }, { pause: 50 }, { exit: 1 }],
    })
    expect(await failure(fake.driver.open(options(), never))).toMatchObject({
      code: 'agent_crashed',
      message: "claude ended with exit code 1: error: unknown option '--x'",
    })
  })

  test('throws backend_not_installed where there is no such program', async () => {
    await using fake = drive({}, { command: ['no-such-program-anywhere'] })
    expect((await failure(fake.driver.open(options(), never))).code).toBe('backend_not_installed')
  })

  test('leaves no process when it is cancelled', async () => {
    await using fake = drive({ stubborn: true, start: [{ stderr: 'here' }, { pause: 600_000 }] })
    const controller = new AbortController()
    const opening = failure(fake.driver.open(options(), controller.signal))
    await waitUntil(() => recordedBy(fake) === 2)
    const pid = Number(fake.recorded()[0].pid)
    controller.abort()
    expect((await opening).code).toBe('cancelled')
    expect(isAlive(pid)).toBe(false)
  })
})

describe('earlier messages', () => {
  const asked = (text: string): HistoryMessage => ({ role: 'user', parts: [{ type: 'text', text }] })
  const answered = (text: string): HistoryMessage => ({ role: 'assistant', text, toolCalls: [] })

  test('are taken in one after the other before the session is open, and the last go with the first prompt', async () => {
    await using fake = drive({ turns: [answer('one'), answer('two')] })
    const history = [asked('a'), answered('b'), asked('c'), answered('d'), asked('e')]
    const session = await fake.driver.open(options({ history }), never)
    await waitUntil(() => fake.recorded().length === 6)
    const told = fake.recorded().slice(2)
    expect(
      told.map(({ type, shouldQuery, message }) => [type, shouldQuery, message.content[0].text]),
    ).toEqual([
      ['user', false, 'a'],
      ['assistant', undefined, 'b'],
      ['user', false, 'c'],
      ['assistant', undefined, 'd'],
    ])
    expect(textOf(await take(session, 'f'))).toBe('one')
    expect(textOf(await take(session, 'g'))).toBe('two')
    const prompts = fake.recorded().slice(6)
    expect(prompts.map(({ message }) => message.content.map(({ text }: { text: string }) => text))).toEqual([
      ['e', 'f'],
      ['g'],
    ])
  })

  test('wait for each other', async () => {
    await using fake = drive({ history: [{ pause: 600_000 }] })
    const controller = new AbortController()
    const history = [asked('a'), answered('b'), asked('c'), answered('d')]
    const opening = failure(fake.driver.open(options({ history }), controller.signal))
    await waitUntil(() => recordedBy(fake) === 3)
    const pid = Number(fake.recorded()[0].pid)
    controller.abort()
    expect((await opening).code).toBe('cancelled')
    expect(recordedBy(fake)).toBe(3)
    expect(isAlive(pid)).toBe(false)
  })

  test('that are refused or that the process does not survive are failures of opening', async () => {
    const history = [asked('a'), answered('b')]
    const refused = { is_error: true, subtype: 'error_during_execution', errors: ['too much'] }
    await using strict = drive({ history: [{ send: result(refused) }] })
    expect(await failure(strict.driver.open(options({ history }), never))).toMatchObject({
      code: 'agent_failed',
      message: 'claude: too much',
    })
    await using weak = drive({ history: [{ stderr: 'out of memory' }, { pause: 50 }, { exit: 9 }] })
    expect(await failure(weak.driver.open(options({ history }), never))).toMatchObject({
      code: 'agent_crashed',
      message: 'claude ended with exit code 9: out of memory',
    })
  })
})

describe('closing', () => {
  test('lets a session end by the end of its input, and a stubborn one by force', async () => {
    for (const stubborn of [false, true]) {
      await using fake = drive({ stubborn, turns: [answer('$pid')] })
      const session = await fake.driver.open(options(), never)
      const pid = Number(textOf(await take(session)))
      await session.close()
      expect(isAlive(pid)).toBe(false)
      expect(session.alive).toBe(false)
      await session.close()
    }
  })

  test('the driver ends all of its sessions', async () => {
    await using fake = drive({ turns: [answer('$pid')] })
    const sessions = [await fake.driver.open(options(), never), await fake.driver.open(options(), never)]
    const pids: number[] = []
    for (const session of sessions) pids.push(Number(textOf(await take(session))))
    expect(new Set(pids).size).toBe(2)
    await fake.driver.close()
    expect(pids.filter(isAlive)).toEqual([])
  })

  test('ends a turn that is under way as cancelled', async () => {
    await using fake = drive({ turns: [[init, { send: assistant('m', [{ type: 'text', text: 'x' }]) }]] })
    const session = await fake.driver.open(options(), never)
    const turn = say(session)
    await turn.next()
    await session.close()
    expect((await failure(Array.fromAsync(turn))).code).toBe('cancelled')
  })
})

describe('a probe', () => {
  test('tells the version, and that it is ready', async () => {
    await using fake = drive({ version: '2.1.0' })
    expect(await fake.driver.probe()).toEqual({
      available: true,
      version: '2.1.0',
      ready: true,
      models: ['opus', 'sonnet', 'haiku'],
    })
  })

  test('tells how to log in where nobody is, and believes a version that can not tell', async () => {
    await using out = drive({ auth: '{"loggedIn": false}' }, { models: ['mine'] })
    const probe = await out.driver.probe()
    expect(probe).toMatchObject({ available: true, ready: false, models: ['mine'] })
    expect(probe.reason).toContain('auth login')
    await using old = drive({ auth: "error: unknown command 'auth'" })
    expect((await old.driver.probe()).ready).toBe(true)
  })

  test('tells how to install what is missing', async () => {
    await using fake = drive({}, { command: ['no-such-program-anywhere'], installHint: 'Install it so.' })
    expect(await fake.driver.probe()).toMatchObject({
      available: false,
      ready: false,
      reason: 'Install it so.',
    })
  })
})

describe('counting the tokens of a prompt', () => {
  const usage = (messages: number) => ({
    categories: [
      { id: 'system_prompt', tokens: 10 },
      { id: 'mcp_tools', tokens: 500 },
      { id: 'messages', tokens: messages },
      { id: 'free_space', tokens: 9000 },
    ],
  })
  const prompt = { parts: [{ type: 'text' as const, text: 'now' }] }

  test('tells what the provider counts, with what was said before, and ends the process', async () => {
    await using claude = drive({ usage: { summary: usage(3), full: usage(32) } })
    const history = [{ role: 'user' as const, parts: [{ type: 'text' as const, text: 'before' }] }]
    const count = await claude.driver.countTokens?.(options({ history }), prompt, never)
    expect(count).toBe(42)
    const sent = claude.recorded()
    const said = sent.filter(({ type }) => type === 'user')
    expect(said).toMatchObject([
      { shouldQuery: false, message: { content: [{ text: 'before' }, { text: 'now' }] } },
    ])
    expect(await isAlive(sent[0].pid)).toBe(false)
  })

  test('tells nothing where the provider does not count and Claude Code guesses', async () => {
    await using claude = drive({ usage: { summary: usage(3), full: usage(3) } })
    expect(await claude.driver.countTokens?.(options(), prompt, never)).toBeUndefined()
  })

  test('tells nothing where there are tools, which are not counted whole', async () => {
    await using claude = drive({ usage: { summary: usage(3), full: usage(32) } })
    const schema = { type: 'object' }
    for (const more of [{ clientTools: [{ name: 'a', inputSchema: schema }] }, { jsonSchema: schema }])
      expect(await claude.driver.countTokens?.(options(more), prompt, never)).toBeUndefined()
    expect(await claude.driver.countTokens?.(options({ clientTools: [] }), prompt, never)).toBe(42)
  })

  test('stops when nobody waits for it any more', async () => {
    await using claude = drive({ history: [] })
    const client = new AbortController()
    const counting = claude.driver.countTokens?.(options(), prompt, client.signal) ?? Promise.resolve(0)
    setTimeout(() => client.abort(), 200)
    expect(await failure(counting)).toMatchObject({ code: 'cancelled' })
  })
})
