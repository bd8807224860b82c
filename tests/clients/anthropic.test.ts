import { describe, expect, test } from 'bun:test'
import Anthropic from '@anthropic-ai/sdk'
import { CHAT_BACKENDS, describeChat, expectHistory, WORDS } from './suite.ts'

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
const REFUSALS = [
  [400, Anthropic.BadRequestError],
  [401, Anthropic.AuthenticationError],
  [429, Anthropic.RateLimitError],
] as const

describeChat('the Anthropic SDK', (stage) => {
  // The owner's document gives this base URL; the SDK appends /v1/messages to it.
  const connect = (path = '/anthropic/v1') =>
    new Anthropic({ baseURL: `${stage.url}${path}`, apiKey: 'not-needed' })
  const user = (content: string) => ({ role: 'user' as const, content })
  const max_tokens = 1024

  describe.each(CHAT_BACKENDS.map((name) => [name]))('with %s', (model) => {
    test('gets an answer in one piece, with true token counts', async () => {
      stage.model.play({ text: 'Hello there.', usage: { input: 50, cachedInput: 20, output: 7 } })
      const message = await connect().messages.create({ model, max_tokens, messages: [user('hi')] })
      expect(message).toMatchObject({
        type: 'message',
        role: 'assistant',
        content: [{ type: 'text', text: 'Hello there.' }],
        stop_reason: 'end_turn',
        stop_sequence: null,
      })
      const { input_tokens, cache_read_input_tokens, output_tokens } = message.usage
      expect(input_tokens + (cache_read_input_tokens ?? 0)).toBe(50)
      expect(output_tokens).toBe(7)
    })

    test('gets an answer as a stream', async () => {
      stage.model.play({ text: ['One ', 'two ', 'three.'], delayMs: 20 })
      const stream = connect('/anthropic').messages.stream({ model, max_tokens, messages: [user('count')] })
      const deltas: string[] = []
      stream.on('text', (text) => deltas.push(text))
      const message = await stream.finalMessage()
      expect(deltas.join('')).toBe('One two three.')
      expect(deltas.length).toBeGreaterThan(1)
      expect(message.content).toMatchObject([{ type: 'text', text: 'One two three.' }])
    })

    test('has its history reach the provider, everything once', async () => {
      stage.model.play({ text: 'Blue.' })
      await connect().messages.create({
        model,
        max_tokens,
        system: [{ type: 'text', text: WORDS.system, cache_control: { type: 'ephemeral' } }],
        messages: [
          user(WORDS.first),
          { role: 'assistant', content: [{ type: 'text', text: WORDS.answer }] },
          user(WORDS.second),
        ],
      })
      const call = stage.model.calls.at(-1)
      if (!call) throw new Error('The provider was not called.')
      expectHistory(model, call)
    })

    test('ends at a stop sequence and says which', async () => {
      stage.model.play({ text: ['one ', 'two ', 'three ', 'four'], delayMs: 10 })
      const message = await connect().messages.create({
        model,
        max_tokens,
        messages: [user('count')],
        stop_sequences: ['three'],
      })
      expect(message).toMatchObject({
        content: [{ type: 'text', text: 'one two ' }],
        stop_reason: 'stop_sequence',
        stop_sequence: 'three',
      })
    })

    test('sees an image', async () => {
      if (model === 'opencode') return
      stage.model.play({ text: 'A pixel.' })
      await connect().messages.create({
        model,
        max_tokens,
        messages: [
          {
            role: 'user',
            content: [
              { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } },
              { type: 'text', text: 'What is it?' },
            ],
          },
        ],
      })
      expect(JSON.stringify(stage.model.calls.at(-1)?.body)).toContain(PNG)
    })

    test('cancels by leaving, and the provider is let go', async () => {
      stage.model.play({ text: ['a ', 'b'], stallAfter: 1 })
      const stream = connect().messages.stream({ model, max_tokens, messages: [user('go')] })
      stream.on('error', () => {})
      for await (const event of stream) if (event.type === 'content_block_delta') break
      stream.abort()
      await stage.model.idle()
      expect(stage.model.calls.at(-1)?.state).toBe('aborted')
    })

    test.each(REFUSALS)(
      'raises the class for a %d, and does not run the agent twice',
      async (status, Class) => {
        stage.model.play({ status, message: 'Refused by the test.', retryAfter: 0.01 })
        const messages = [user(`please fail with ${status} on ${model}`)]
        const failure = await connect()
          .messages.create({ model, max_tokens, messages })
          .catch((error) => error)
        expect(failure).toBeInstanceOf(Class)
        const asked = stage.model.calls.length
        const again = await connect()
          .messages.create({ model, max_tokens, messages })
          .catch((error) => error)
        expect(again).toBeInstanceOf(Class)
        expect(stage.model.calls.length).toBe(asked)
      },
      60_000,
    )
  })

  test('counts tokens with claude, without a call of its model, and is told where nobody counts', async () => {
    const asked = stage.model.calls.length
    const count = await connect().messages.countTokens({ model: 'claude', messages: [user('hi')] })
    expect(count.input_tokens).toBeGreaterThan(0)
    expect(stage.model.calls.length).toBe(asked)
    const failure = await connect()
      .messages.countTokens({ model: 'codex', messages: [user('hi')] })
      .catch((error) => error)
    expect(failure).toBeInstanceOf(Anthropic.NotFoundError)
    expect(failure.message).toContain('cannot count')
  })

  test('lists the models page by page', async () => {
    const ids: string[] = []
    for await (const { id } of connect().models.list({ limit: 2 })) ids.push(id)
    for (const name of CHAT_BACKENDS) expect(ids).toContain(name)
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('is told which models exist where one does not', async () => {
    const failure = await connect()
      .messages.create({ model: 'no-such-model', max_tokens, messages: [user('hi')] })
      .catch((error) => error)
    expect(failure).toBeInstanceOf(Anthropic.NotFoundError)
    expect(failure.message).toContain('claude')
  })
})
