import { describe, expect, test } from 'bun:test'
import { isAlive, waitUntil } from '../../support/processes.ts'
import { drive, failure, kindsOf, never, options, say, take, textOf } from './support.ts'

const pidOf = async (session: Parameters<typeof take>[0]) =>
  Number(textOf(await take(session, [{ say: '$pid' }])))

describe('a session of Codex', () => {
  test('streams a turn between init and done', async () => {
    await using fake = drive()
    const session = await fake.driver.open(options(), never)
    const events = await take(session, [{ say: 'hello' }])
    expect(events).toEqual([
      { type: 'init', agentSessionId: 't1', model: 'm-1', agentVersion: '9.8.7' },
      { type: 'text', text: 'hello', part: expect.any(String) },
      { type: 'done', stopReason: 'end_turn', model: 'm-1' },
    ])
    expect(session.id).toBe('t1')
  })

  test('shares one process with the others that have the same flags', async () => {
    await using fake = drive()
    const first = await fake.driver.open(options(), never)
    const second = await fake.driver.open(options({ model: 'm-2' }), never)
    const other = await fake.driver.open(options({ extraFlags: ['-c', 'x=1'] }), never)
    const [one, two, three] = [await pidOf(first), await pidOf(second), await pidOf(other)]
    expect(one).toBe(two)
    expect(three).not.toBe(one)
    expect(fake.recorded().flatMap(({ argv }) => (argv ? [argv.slice(-2)] : []))).toEqual([
      ['-c', 'thread_unload_delay_secs=0'],
      ['-c', 'x=1'],
    ])
  })

  test('takes turns of two threads at once', async () => {
    await using fake = drive()
    const [first, second] = await Promise.all([
      fake.driver.open(options(), never),
      fake.driver.open(options(), never),
    ])
    const abort = new AbortController()
    const hanging = say(first, [{ say: 'first' }, { hang: 'interruptible' }], abort.signal)
    expect((await hanging.next()).value?.type).toBe('init')
    expect((await hanging.next()).value).toMatchObject({ type: 'text', text: 'first' })
    expect(textOf(await take(second, [{ say: 'second' }]))).toBe('second')
    abort.abort()
    expect((await failure(hanging.next())).code).toBe('cancelled')
  })

  test('is interrupted when its turn is cancelled, ends its commands and takes the next turn', async () => {
    await using fake = drive()
    const session = await fake.driver.open(options(), never)
    const pid = await pidOf(session)
    const abort = new AbortController()
    const turn = say(session, [{ say: 'x' }, { hang: 'interruptible' }], abort.signal)
    await turn.next()
    await turn.next()
    abort.abort()
    expect(await failure(turn.next())).toMatchObject({ code: 'cancelled', status: 499 })
    expect(fake.sent('turn/interrupt')).toEqual([{ threadId: 't1', turnId: 'u2' }])
    expect(fake.sent('thread/backgroundTerminals/clean')).toEqual([{ threadId: 't1' }])
    expect(session.alive).toBe(true)
    expect(await pidOf(session)).toBe(pid)
  })

  test('is interrupted also when its reader leaves', async () => {
    await using fake = drive()
    const session = await fake.driver.open(options(), never)
    for await (const event of say(session, [{ say: 'x' }, { hang: 'interruptible' }]))
      if (event.type === 'text') break
    expect(fake.sent('turn/interrupt')).toHaveLength(1)
    expect(textOf(await take(session, [{ say: 'next' }]))).toBe('next')
  })

  test('stops the agents that it started when it is cancelled, and leaves them when it is closed', async () => {
    await using fake = drive()
    const session = await fake.driver.open(options(), never)
    const spawn = { type: 'collabAgentToolCall', id: 'i', tool: 'spawnAgent', receiverThreadIds: ['t-child'] }
    const abort = new AbortController()
    const turn = say(
      session,
      [
        { send: 'item/completed', params: { item: spawn } },
        { send: 'turn/started', params: { threadId: 't-child', turn: { id: 'u-child' } } },
        { send: 'item/agentMessage/delta', params: { threadId: 't-child', itemId: 'm', delta: 'not mine' } },
        { say: 'mine' },
        { hang: 'interruptible' },
      ],
      abort.signal,
    )
    const texts: string[] = []
    const reading = (async () => {
      for await (const event of turn) {
        if (event.type !== 'text') continue
        texts.push(event.text)
        abort.abort()
      }
    })()
    expect((await failure(reading)).code).toBe('cancelled')
    expect(texts).toEqual(['mine'])
    expect(fake.sent('turn/interrupt')).toContainEqual({ threadId: 't-child', turnId: 'u-child' })
    expect(fake.sent('thread/backgroundTerminals/clean')).toEqual([
      { threadId: 't-child' },
      { threadId: 't1' },
    ])
    await session.close()
    expect(fake.sent('thread/unsubscribe')).toEqual([{ threadId: 't-child' }, { threadId: 't1' }])
  })

  test('ends a process that ignores an interrupt, and the next session starts another', async () => {
    await using fake = drive()
    const session = await fake.driver.open(options(), never)
    const other = await fake.driver.open(options(), never)
    const pid = await pidOf(session)
    const abort = new AbortController()
    const turn = say(session, [{ say: 'x' }, { hang: 'deaf' }], abort.signal)
    const others = say(other, [{ say: 'y' }, { hang: 'deaf' }])
    for (const started of [turn, others]) {
      await started.next()
      await started.next()
    }
    abort.abort()
    expect((await failure(turn.next())).code).toBe('cancelled')
    expect(isAlive(pid)).toBe(false)
    expect(await failure(others.next())).toEqual({
      code: 'agent_crashed',
      status: 502,
      message: 'codex did not answer an interrupt and was ended.',
    })
    expect([session.alive, other.alive]).toEqual([false, false])
    expect(await pidOf(await fake.driver.open(options(), never))).not.toBe(pid)
  })

  test('does not let a slow reader of one thread keep another one from being heard', async () => {
    await using fake = drive({}, {}, { interruptMs: 10_000 })
    const slow = await fake.driver.open(options(), never)
    const session = await fake.driver.open(options(), never)
    const pid = await pidOf(session)
    const abort = new AbortController()
    const turn = say(session, [{ hang: 'interruptible' }], abort.signal)
    await turn.next()
    const flood = { send: 'item/agentMessage/delta', params: { itemId: 'm', delta: 'x'.repeat(1 << 20) } }
    const unread = say(slow, [...Array(12).fill(flood), { hang: 'interruptible' }])
    await unread.next()
    abort.abort()
    expect((await failure(turn.next())).code).toBe('cancelled')
    expect(session.alive).toBe(true)
    expect(await pidOf(session)).toBe(pid)
    await unread.return()
    expect(await pidOf(slow)).toBe(pid)
  })

  test('tells its end to all, also while a slow reader of one holds it up', async () => {
    await using fake = drive()
    const slow = await fake.driver.open(options(), never)
    const session = await fake.driver.open(options(), never)
    const pid = await pidOf(session)
    const turn = say(session, [{ hang: 'deaf' }])
    await turn.next()
    const flood = { send: 'item/agentMessage/delta', params: { itemId: 'm', delta: 'x'.repeat(1 << 20) } }
    const unread = say(slow, Array(12).fill(flood))
    await unread.next()
    process.kill(pid, 'SIGKILL')
    expect((await failure(turn.next())).code).toBe('agent_crashed')
    expect((await failure(Array.fromAsync(unread))).code).toBe('agent_crashed')
  })

  test('a discarded turn never holds up another thread', async () => {
    await using fake = drive({}, {}, { interruptMs: 2000 })
    const session = await fake.driver.open(options(), never)
    const other = await fake.driver.open(options(), never)
    const flood = { send: 'item/agentMessage/delta', params: { itemId: 'm', delta: 'x'.repeat(1 << 20) } }
    const unread = say(session, [...Array(12).fill(flood), { hang: 'interruptible' }])
    await unread.next()
    await unread.return()
    expect(textOf(await take(other, [{ say: 'free' }]))).toBe('free')
    expect(textOf(await take(session, [{ say: 'too' }]))).toBe('too')
  })

  test('fails with the last words of a process that dies in a turn', async () => {
    await using fake = drive()
    const session = await fake.driver.open(options(), never)
    const stderr = 'WARNING: proceeding, even though\nError: \u001b[31mout of memory\u001b[0m\n'
    expect(await failure(take(session, [{ say: 'x' }, { exit: 7, stderr }]))).toEqual({
      code: 'agent_crashed',
      status: 502,
      message: 'codex ended with exit code 7: Error: out of memory',
    })
    expect(session.alive).toBe(false)
    expect(textOf(await take(await fake.driver.open(options(), never), [{ say: 'again' }]))).toBe('again')
  })

  test('has a new process where the old one dies before it is opened in it', async () => {
    await using fake = drive()
    let pid = await pidOf(await fake.driver.open(options(), never))
    for (let count = 1; count <= 3; count += 1) {
      process.kill(pid, 'SIGKILL')
      pid = await pidOf(await fake.driver.open(options(), never))
    }
  })

  test('fails without the last words of a process that was not its alone', async () => {
    await using fake = drive()
    const closed = await fake.driver.open(options(), never)
    await closed.close()
    const session = await fake.driver.open(options(), never)
    const turn = take(session, [{ say: 'x' }, { exit: 7, stderr: 'secret of another' }])
    expect(await turn.catch((error: unknown) => error)).toMatchObject({
      code: 'agent_crashed',
      message: 'codex ended with exit code 7.',
      cause: 'secret of another',
    })
  })

  test('skips lines that are no messages, and notifications that it does not know', async () => {
    await using fake = drive()
    const session = await fake.driver.open(options(), never)
    const events = await take(session, [
      { line: 'thread panicked at src/main.rs' },
      { line: '{"half":' },
      { line: '[1,2]' },
      { send: 'brand/new', params: { a: 1 } },
      { send: 'item/started', params: { item: { type: 'brandNew', id: 'i' } } },
      { line: '{"method":"item/agentMessage/delta"}' },
      { say: 'fine' },
    ])
    expect(kindsOf(events)).toEqual(['init', 'text', 'done'])
  })

  test('leaves out what still comes of an earlier turn', async () => {
    await using fake = drive()
    const session = await fake.driver.open(options(), never)
    const tokenUsage = { total: { inputTokens: 7 }, last: { inputTokens: 7 } }
    const events = await take(session, [
      { send: 'thread/tokenUsage/updated', params: { turnId: 'u0', tokenUsage } },
      { send: 'item/agentMessage/delta', params: { turnId: 'u0', itemId: 'm', delta: 'old' } },
      { line: '{"method":"turn/completed","params":{"threadId":"t1","turn":{"id":"u0","status":"failed"}}}' },
      { say: 'new' },
    ])
    expect(textOf(events)).toBe('new')
    expect(events.at(-1)).toEqual({ type: 'done', stopReason: 'end_turn', model: 'm-1' })
  })

  test('takes one turn at a time', async () => {
    await using fake = drive()
    const session = await fake.driver.open(options(), never)
    const turn = say(session, [{ hang: 'interruptible' }])
    await turn.next()
    expect((await failure(take(session, []))).code).toBe('session_busy')
    await turn.return()
  })

  test('gives text without mentions as input, and images as data URLs', async () => {
    await using fake = drive()
    const session = await fake.driver.open(options(), never)
    const image = { type: 'image', mediaType: 'image/png', data: 'AAAA' } as const
    await Array.fromAsync(session.prompt({ parts: [{ type: 'text', text: '[]' }, image] }, never))
    expect(fake.sent('turn/start')[0].input).toEqual([
      { type: 'text', text: '[]', text_elements: [] },
      { type: 'image', url: 'data:image/png;base64,AAAA' },
    ])
  })

  test.each(['$skill', '[$x](/etc/passwd)', '[@p](plugin://p)'])(
    'gives %p past the reader of mentions',
    async (text) => {
      await using fake = drive()
      const session = await fake.driver.open(options(), never)
      const steps = JSON.stringify([{ say: text }])
      const events = await Array.fromAsync(session.prompt({ parts: [{ type: 'text', text: steps }] }, never))
      expect(textOf(events)).toBe(text)
      expect(fake.sent('turn/start')[0].input).toEqual([])
      expect(fake.sent('thread/inject_items')[0].items).toEqual([
        { type: 'message', role: 'user', content: [{ type: 'input_text', text: steps }] },
      ])
    },
  )

  test('leaves its thread when it is closed', async () => {
    await using fake = drive()
    const session = await fake.driver.open(options(), never)
    await take(session, [{ say: 'x' }])
    await session.close()
    await session.close()
    expect(session.alive).toBe(false)
    expect(fake.sent('thread/unsubscribe')).toEqual([{ threadId: 't1' }])
    expect((await failure(take(session, []))).code).toBe('cancelled')
  })
})

describe('the driver of Codex', () => {
  test('ends a process that nobody uses, and all at its close', async () => {
    const fake = drive()
    const session = await fake.driver.open(options(), never)
    const pid = await pidOf(session)
    await session.close()
    await waitUntil(() => !isAlive(pid), { what: 'the end of an idle process' })
    const kept = await pidOf(await fake.driver.open(options(), never))
    expect(kept).not.toBe(pid)
    await fake[Symbol.asyncDispose]()
    expect(isAlive(kept)).toBe(false)
    expect((await failure(fake.driver.open(options(), never))).code).toBe('shutting_down')
  })

  test('ends a process that never answers, when its time is over', async () => {
    await using fake = drive({ start: 'silent' }, {}, { startMs: 200 })
    expect(await failure(fake.driver.open(options(), never))).toMatchObject({
      code: 'agent_protocol',
      status: 502,
    })
  })

  test('gives up a start that nobody waits for any more, and ends it at its close', async () => {
    const fake = drive({ start: 'silent' })
    const abort = new AbortController()
    const opening = failure(fake.driver.open(options(), abort.signal))
    await waitUntil(() => Bun.file(`${fake.folder}/record`).size > 0)
    abort.abort()
    expect((await opening).code).toBe('cancelled')
    await fake[Symbol.asyncDispose]()
  })

  test('tells the last words of a process that does not start', async () => {
    await using fake = drive({ start: { exit: 2, stderr: "error: unexpected argument '-m' found\n" } })
    expect(await failure(fake.driver.open(options(), never))).toEqual({
      code: 'agent_crashed',
      status: 502,
      message: "codex ended with exit code 2: error: unexpected argument '-m' found",
    })
  })

  test('refuses a folder that is not there before it starts anything', async () => {
    await using fake = drive()
    const error = await failure(fake.driver.open(options({ workdir: '/does/not/exist' }), never))
    expect(error).toMatchObject({ code: 'invalid_workdir', status: 400 })
    expect(await Bun.file(`${fake.folder}/record`).exists()).toBe(false)
  })

  test('says that the program is missing', async () => {
    await using fake = drive({}, { command: ['codex-that-is-nowhere'], installHint: 'Install it.' })
    expect((await failure(fake.driver.open(options(), never))).code).toBe('backend_not_installed')
    expect(await fake.driver.probe()).toEqual({
      available: false,
      ready: false,
      reason: 'Install it.',
      models: [],
    })
  })

  test('resumes a thread, and waits while it is still being written', async () => {
    const held = {
      code: -32600,
      message: 'thread t7 is closing; retry thread/resume after the thread is closed',
    }
    await using fake = drive({ refuse: { 'thread/resume': [held] } })
    const session = await fake.driver.open(options({ resume: 't7' }), never)
    expect(session.id).toBe('t7')
    expect(fake.sent('thread/resume')).toHaveLength(2)
    expect(textOf(await take(session, [{ say: 'back' }]))).toBe('back')
  })

  test('does not know an unknown thread', async () => {
    const unknown = { code: -32600, message: 'no rollout found for thread id t9' }
    await using fake = drive({ refuse: { 'thread/resume': [unknown] } })
    expect(await failure(fake.driver.open(options({ resume: 't9' }), never))).toEqual({
      code: 'session_not_found',
      status: 404,
      message: 'codex: no rollout found for thread id t9',
    })
  })

  test('tells its version, and the configured model of a provider of the user', async () => {
    await using fake = drive({ config: { model: 'mine' } })
    expect(await fake.driver.probe()).toEqual({
      available: true,
      version: '9.8.7',
      ready: true,
      models: ['mine'],
    })
    await fake.driver.probe()
    expect(fake.sent('initialize')).toHaveLength(1)
  })

  test('lists the models of the built-in provider, or those of the configuration', async () => {
    const account = { account: { type: 'apiKey' }, requiresOpenaiAuth: true }
    await using fake = drive({ account })
    expect((await fake.driver.probe()).models).toEqual(['m-1', 'm-2'])
    await using other = drive({ account }, { models: ['own'] })
    expect((await other.driver.probe()).models).toEqual(['own'])
  })

  test('says how to log in, and looks again the next time', async () => {
    await using fake = drive({ account: { account: null, requiresOpenaiAuth: true } })
    expect(await fake.driver.probe()).toMatchObject({ available: true, ready: false })
    const error = await failure(fake.driver.open(options(), never))
    expect(error).toMatchObject({ code: 'not_logged_in', status: 401 })
    expect(error.message).toContain('codex login')
    expect(fake.sent('account/read')).toHaveLength(2)
  })

  test('asks for MCP tools too where everything is asked for', async () => {
    await using fake = drive({ config: { mcp_servers: { docs: {} } } })
    await fake.driver.open(options({ approvalMode: 'always' }), never)
    expect(fake.sent('thread/start')[0]).toMatchObject({
      approvalPolicy: 'untrusted',
      config: { web_search: 'disabled', mcp_servers: { docs: { default_tools_approval_mode: 'prompt' } } },
    })
  })
})
