import { describe, expect, test } from 'bun:test'
import { tmpdir } from 'node:os'
import { createExecDriver } from '../../../src/agents/exec/driver.ts'
import type { BackendSettings, SessionOptions, TurnEvent } from '../../../src/agents/types.ts'
import { isAlive, waitUntil } from '../../support/processes.ts'

const settings = (command: string[], more: Partial<BackendSettings> = {}): BackendSettings => ({
  name: 'tool',
  driver: 'exec',
  command,
  env: { PATH: process.env['PATH'] ?? '' },
  models: [],
  extraFlags: [],
  ...more,
})
const options = (more: Partial<SessionOptions> = {}): SessionOptions => ({
  workdir: tmpdir(),
  approvalMode: 'default',
  sandboxMode: 'default',
  ephemeral: false,
  ...more,
})
const never = new AbortController().signal

async function take(made: BackendSettings, prompt = 'hi', signal = never, opened = options()) {
  const session = await createExecDriver(made).open(opened, signal)
  return session.prompt({ parts: [{ type: 'text', text: prompt }] }, signal)
}
const textOf = (events: readonly TurnEvent[]) =>
  events.map((event) => (event.type === 'text' ? event.text : '')).join('')
const answer = async (made: BackendSettings, prompt?: string) =>
  textOf(await Array.fromAsync(await take(made, prompt)))

describe('an exec backend', () => {
  test('gives the prompt on stdin, as it is, and streams stdout', async () => {
    const prompt = '--help `id` $(id) @file\n/quit € 😀'
    const events = await Array.fromAsync(await take(settings(['cat']), prompt))
    expect(textOf(events)).toBe(prompt)
    expect(events[0]).toEqual({ type: 'init' })
    expect(events.at(-1)).toEqual({ type: 'done', stopReason: 'end_turn' })
  })

  test('takes a prompt that no command line could hold', async () => {
    expect(await answer(settings(['wc', '-c']), 'x'.repeat(500_000))).toBe('500000\n')
  })

  test('hands text on while the command still writes', async () => {
    const events = await take(settings(['sh', '-c', 'printf one; read wait; printf two']))
    const seen: TurnEvent[] = []
    for await (const event of events) seen.push(event)
    expect(textOf(seen)).toBe('onetwo')
    const silent = await take(settings(['sh', '-c', 'printf one; exec sleep 1000']))
    await silent.next()
    expect((await silent.next()).value).toEqual({ type: 'text', text: 'one' })
    await silent.return()
  })

  test('keeps characters whole that the command writes in pieces', async () => {
    expect(
      await answer(settings(['sh', '-c', String.raw`printf '\342\202'; sleep 0.05; printf '\254'`])),
    ).toBe('€')
  })

  test('reads the text of JSON lines and skips what is none', async () => {
    const script = `cat > /dev/null; echo '{"text":"a"}'; echo warning; echo '{"other":1}'; echo '{"text":"b"}'`
    expect(await answer(settings(['sh', '-c', script], { output: 'json' }))).toBe('ab')
    const named = settings(['sh', '-c', `echo '{"text":"a","answer":"b"}'`], {
      output: 'json',
      jsonTextField: 'answer',
    })
    expect(await answer(named)).toBe('b')
  })

  test('puts the model where the command has a place for it, and flags behind', async () => {
    const made = settings(['echo', 'run', '{model}'], { models: ['small'], extraFlags: ['-x'] })
    expect(await answer(made)).toBe('run small -x\n')
    const events = await take(made, 'hi', never, options({ model: 'big', extraFlags: ['-y'] }))
    expect(textOf(await Array.fromAsync(events))).toBe('run big -x -y\n')
    expect(createExecDriver(made).capabilities.model).toBe('native')
    expect(createExecDriver(settings(['cat'])).capabilities.model).toBe('none')
    await expect(take(settings(['echo', '{model}'])).then((turn) => turn.next())).rejects.toMatchObject({
      code: 'invalid_request',
    })
  })

  test('fails with the last words of stderr, which are no part of an answer', async () => {
    const events = await take(settings(['sh', '-c', 'echo partial; echo "no such model" >&2; exit 7']))
    const seen: TurnEvent[] = []
    const read = async () => {
      for await (const event of events) seen.push(event)
    }
    await expect(read()).rejects.toMatchObject({
      code: 'agent_failed',
      status: 502,
      message: 'tool ended with exit code 7: no such model',
    })
    expect(textOf(seen)).toBe('partial\n')
    expect(await answer(settings(['sh', '-c', 'echo "a warning" >&2; echo fine']))).toBe('fine\n')
  })

  test('ends the whole group when the turn is cancelled', async () => {
    const leaving = new AbortController()
    const events = await take(settings(['sh', '-c', 'sleep 1000 & echo $!; wait']), 'hi', leaving.signal)
    await events.next()
    const { value } = await events.next()
    const pid = Number(value?.type === 'text' ? value.text : Number.NaN)
    expect(isAlive(pid)).toBe(true)
    leaving.abort()
    await expect(events.next()).rejects.toMatchObject({ code: 'cancelled' })
    await waitUntil(() => !isAlive(pid))
  })

  test('slows the command when nobody reads', async () => {
    const events = await take(settings(['sh', '-c', 'yes 0123456789abcdef | head -c 50000000; echo end >&2']))
    await events.next()
    await events.next()
    await Bun.sleep(300)
    const before = process.memoryUsage().rss
    await Bun.sleep(300)
    expect(process.memoryUsage().rss - before).toBeLessThan(20_000_000)
    let length = 0
    for await (const event of events) if (event.type === 'text') length += event.text.length
    expect(length).toBeGreaterThan(49_000_000)
  })

  test('takes one turn a session, because a command remembers nothing', async () => {
    const session = await createExecDriver(settings(['cat'])).open(options(), never)
    expect(session.alive).toBe(true)
    await Array.fromAsync(session.prompt({ parts: [] }, never))
    expect(session.alive).toBe(false)
    await expect(session.prompt({ parts: [] }, never).next()).rejects.toMatchObject({
      code: 'unsupported_option',
    })
  })

  test('is available when its program is found', async () => {
    expect(await createExecDriver(settings(['cat'])).probe()).toMatchObject({ available: true, ready: true })
    const probe = await createExecDriver(settings(['clinvk-no-such-program'])).probe()
    expect(probe).toMatchObject({ available: false, ready: false })
    expect(probe.reason).toContain('"clinvk-no-such-program" was not found')
  })
})
