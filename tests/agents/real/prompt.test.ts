import { expect, test } from 'bun:test'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { answerOf, json, readNdjson, readSse } from '../../support/events.ts'
import { describeAgents, typesOf } from './suite.ts'

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

describeAgents((agent, stage) => {
  const { name } = agent
  const { prompt, stream, lastCall } = stage

  test('streams the answer as the provider writes it', async () => {
    stage.model.play({ text: ['One, ', 'two, ', '€ ', '😀.'], delayMs: 40, usage: { input: 30, output: 9 } })
    const events = await stream('count')
    expect(typesOf(events)[0]).toBe('init')
    expect(typesOf(events).at(-1)).toBe('done')
    expect(typesOf(events).filter((type) => type === 'message').length).toBeGreaterThanOrEqual(3)
    expect(answerOf(events)).toBe('One, two, € 😀.')
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1))
    expect(events.every(({ backend }) => backend === name)).toBe(true)
    expect(new Set(events.map(({ session_id }) => session_id)).size).toBe(1)
    expect(events[0]?.content.agent_session_id).toBeString()
  })

  test('delivers a delta while the provider still writes the next one', async () => {
    stage.model.play({ text: ['first ', 'second'], stallAfter: 1 })
    const leaving = new AbortController()
    const response = await prompt('go', { stream: true }, { signal: leaving.signal })
    for await (const event of readSse(response)) {
      if (event.type !== 'message') continue
      expect(event.content).toBe('first ')
      break
    }
    leaving.abort()
    await stage.model.idle()
  })

  test('answers in one piece of JSON, with the tokens that the agent told', async () => {
    stage.model.play({
      text: 'Plain answer.',
      usage: { input: 120, cachedInput: 80, output: 20, reasoning: 5 },
    })
    const response = await prompt('hi')
    expect(response.status).toBe(200)
    const body = await json(response)
    expect(body).toMatchObject({
      backend: name,
      exit_code: 0,
      response: 'Plain answer.',
      output: 'Plain answer.',
      stop_reason: 'end_turn',
      token_usage: {
        input_tokens: 120,
        output_tokens: agent.tells.reasoning ? 20 : 15,
        ...(agent.tells.cached ? { cached_tokens: 80 } : {}),
        ...(agent.tells.reasoning ? { reasoning_tokens: 5 } : {}),
      },
    })
    expect(body.session_id).toStartWith('ses_')
  })

  test('streams lines of JSON for output_format stream-json', async () => {
    stage.model.play({ text: 'As lines.' })
    const response = await prompt('hi', { output_format: 'stream-json' })
    expect(response.headers.get('content-type')).toStartWith('application/x-ndjson')
    const events = await Array.fromAsync(readNdjson(response))
    expect(answerOf(events)).toBe('As lines.')
    expect(events.at(-1)?.type).toBe('done')
  })

  test('shows the model’s thinking apart from its answer', async () => {
    stage.model.play({ thinking: ['Let me ', 'think.'], text: 'Done.' })
    const events = await stream('think')
    const thinking = events.filter(({ type }) => type === 'thinking').map(({ content }) => String(content))
    // Gemini CLI sets each thought under a heading and trims it.
    expect(thinking.join('').replaceAll(/[\s*]/g, '')).toBe('Letmethink.')
    expect(answerOf(events)).toBe('Done.')
  })

  test('goes on in the same conversation, and the provider sees the earlier turns', async () => {
    stage.model.play([{ text: 'I will remember blue.' }, { text: 'It was blue.' }])
    const first = await json(await prompt('Remember blue.'))
    const second = await json(await prompt('What was it?', { session_id: first.session_id }))
    expect(second).toMatchObject({ session_id: first.session_id, response: 'It was blue.' })
    const sent = JSON.stringify(lastCall().body)
    expect(sent).toContain('Remember blue.')
    expect(sent).toContain('I will remember blue.')
    expect(sent.indexOf('Remember blue.')).toBeLessThan(sent.indexOf('What was it?'))
  })

  test.each([
    '/help',
    '@notes.txt what is in it?',
    '--version',
    '-p hello',
    '!ls',
    '$skill',
    '#note',
    '/compact now',
  ])('delivers the text %p as text', async (text) => {
    await Bun.write(join(stage.home.workdir, 'notes.txt'), 'FILE CONTENT')
    stage.model.play({ text: 'Understood.' })
    const before = stage.model.calls.length
    const body = await json(await prompt(text))
    expect(body.response).toBe('Understood.')
    expect(stage.model.calls.length).toBe(before + 1)
    expect(lastCall().prompt).toContain(text)
    expect(JSON.stringify(lastCall().body)).not.toContain('FILE CONTENT')
  })

  test('takes a prompt that no command line could hold', async () => {
    stage.model.play({ text: 'Long.' })
    const text = `begin ${'word '.repeat(50_000)}end`
    expect((await json(await prompt(text))).response).toBe('Long.')
    expect(lastCall().prompt).toContain(text)
  })

  test('gives the provider the system prompt and the model that were asked for', async () => {
    stage.model.play({ text: 'Ahoy.' })
    const response = await prompt('hi', { system_prompt: 'Talk like a pirate.', model: agent.model })
    expect((await json(response)).response).toBe('Ahoy.')
    expect(JSON.stringify(lastCall().body)).toContain('Talk like a pirate.')
    expect(`${lastCall().path} ${lastCall().body['model']}`).toContain(agent.modelSent(agent.model))
  })

  test('gives the provider an image', async () => {
    stage.model.play({ text: 'A pixel.' })
    const response = await prompt('what is it?', { images: [{ media_type: 'image/png', data: PNG }] })
    expect((await json(response)).response).toBe('A pixel.')
    expect(JSON.stringify(lastCall().body)).toContain(PNG)
  })

  test('shows a tool call and its result, and goes on with the answer', async () => {
    const path = join(stage.home.workdir, 'read-me.txt')
    await Bun.write(path, 'the secret is 42')
    stage.model.play([{ text: 'Reading.', toolCalls: [agent.read(path)] }, { text: 'It is 42.' }])
    const events = await stream('read it', { approval_mode: 'none' })
    const use = events.find(({ type }) => type === 'tool_use')
    const result = events.find(({ type }) => type === 'tool_result')
    expect(JSON.stringify(use?.content)).toContain('read-me.txt')
    expect(result?.content.id).toBe(use?.content.id)
    expect(result?.content.is_error).toBe(false)
    if (agent.tells.reading) expect(result?.content.output).toContain('the secret is 42')
    expect(answerOf(events)).toBe('Reading.\n\nIt is 42.')
    expect(JSON.stringify(lastCall().body)).toContain('the secret is 42')
  })

  test('denies what would need approval, and shows it', async () => {
    const path = join(stage.home.workdir, 'denied.txt')
    stage.model.play([{ toolCalls: [agent.write(path, 'never')] }, { text: 'I could not.' }])
    const events = await stream('write it', { approval_mode: 'always' })
    const approvals = events.filter(({ content }) => content?.kind === 'approval')
    expect(approvals.map(({ content }) => content.decision)).toEqual(['denied'])
    expect(await Bun.file(path).exists()).toBe(false)
    expect(events.at(-1)?.type).toBe('done')
  })

  test('really approves everything with approval_mode none', async () => {
    const path = join(stage.home.workdir, 'written.txt')
    stage.model.play([{ toolCalls: [agent.write(path, 'by the agent')] }, { text: 'Written.' }])
    const events = await stream('write it', { approval_mode: 'none', sandbox_mode: 'full' })
    expect(await readFile(path, 'utf8')).toContain('by the agent')
    expect(answerOf(events)).toBe('Written.')
  })

  test.each([
    [401, 'upstream_auth'],
    [429, 'upstream_rate_limited'],
    [400, 'upstream_invalid_request'],
    [529, 'upstream_overloaded'],
  ])(
    'tells a %d of the provider as that error, before and inside a stream',
    async (status, code) => {
      const message = `The provider says ${status}.`
      stage.model.play({ status, message, ...(status >= 429 ? { retryAfter: agent.retryAfter } : {}) })
      const response = await prompt('hi')
      const problem = await json(response)
      expect(problem).toMatchObject({ status, code })
      expect(response.status).toBe(status)
      expect(response.headers.get('content-type')).toStartWith('application/problem+json')
      if (status !== 429 || agent.tells.rateLimit) expect(problem.detail).toContain(message)

      const events = await stream('hi')
      expect(events.at(-1)).toMatchObject({ type: 'error', content: { status, code } })
      expect(answerOf(events)).toBe('')
      expect(typesOf(events)).not.toContain('done')
    },
    120_000,
  )

  test('can be asked again after a failure', async () => {
    stage.model.play({ text: 'Back again.' })
    expect((await json(await prompt('hi'))).response).toBe('Back again.')
  })

  test('cancels when the client leaves: the provider is let go, and the next prompt works', async () => {
    stage.model.play({ text: ['a ', 'b '], stallAfter: 1 })
    const leaving = new AbortController()
    const response = await prompt('go', { stream: true, ephemeral: true }, { signal: leaving.signal })
    for await (const event of readSse(response)) if (event.type === 'message') break
    const started = stage.model.calls.at(-1)
    leaving.abort()
    await stage.model.idle()
    expect(started?.state).toBe('aborted')
    stage.model.play({ text: 'Still here.' })
    expect((await json(await prompt('hi'))).response).toBe('Still here.')
  })

  test('answers several prompts at once without mixing them', async () => {
    stage.model.play(async (request) => {
      const [word = ''] = /word-\d/.exec(request.prompt) ?? []
      return { text: [`It is ${word}.`], delayMs: 50 }
    })
    const words = ['word-1', 'word-2', 'word-3', 'word-4']
    const answers = await Promise.all(
      words.map(async (word) => (await json(await prompt(`Say ${word}`, { ephemeral: true }))).response),
    )
    expect(answers).toEqual(words.map((word) => `It is ${word}.`))
  })

  test('is listed with its version, ready', async () => {
    const { backends } = await json(await fetch(`${stage.clinvk.url}/api/v1/backends`))
    expect(backends.find((backend: { name: string }) => backend.name === name)).toMatchObject({
      available: true,
      ready: true,
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    })
  })
})
