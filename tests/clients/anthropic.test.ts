import { describe, expect, test } from 'bun:test'
import Anthropic from '@anthropic-ai/sdk'
import { type Ask, type ChatClient, describeClients, describePrompts, type Said } from './matrix.ts'
import { CHAT_BACKENDS, describeChat, describeToolImage } from './suite.ts'

const REFUSALS = [
  [400, Anthropic.BadRequestError],
  [401, Anthropic.AuthenticationError],
] as const

describeChat('the Anthropic SDK', (stage) => {
  // The owner's document gives this base URL; the SDK appends /v1/messages to it.
  const connect = (path = '/anthropic/v1') =>
    new Anthropic({ baseURL: `${stage.url}${path}`, apiKey: 'not-needed' })
  const user = (content: string) => ({ role: 'user' as const, content })
  const max_tokens = 1024

  const client: ChatClient = {
    async ask({ signal, ...ask }) {
      const { content } = await connect().messages.create(toBody(ask), { signal })
      return content.map((block) => (block.type === 'text' ? block.text : '')).join('')
    },
    async *stream({ signal, ...ask }) {
      const events = await connect('/anthropic').messages.create({ ...toBody(ask), stream: true }, { signal })
      for await (const event of events)
        if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') yield event.delta.text
    },
    statusOf(error) {
      const classes = [Anthropic.RateLimitError, Anthropic.InternalServerError]
      return error instanceof Anthropic.APIError && classes.some((its) => error instanceof its)
        ? error.status
        : undefined
    },
  }
  const toBody = ({ model, messages }: Ask) => {
    const system = messages.filter(({ role }) => role === 'system').map(toBlock)
    return {
      model,
      max_tokens,
      messages: messages.filter(({ role }) => role !== 'system').map(toMessage),
      ...(system.length === 0 ? {} : { system }),
    }
  }
  describeClients(stage, { messages: client })
  describePrompts(stage, client)
  describeToolImage(stage, async (model, { call, image }) =>
    connect().messages.create({
      model,
      max_tokens,
      messages: [
        user('Take a picture.'),
        { role: 'assistant', content: [{ type: 'tool_use', id: call, name: 'camera', input: {} }] },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: call, content: [toImage(image)] },
            { type: 'text', text: 'What is it?' },
          ],
        },
      ],
    }),
  )

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
      180_000,
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

function toMessage(said: Said): Anthropic.MessageParam {
  const { role, image } = said
  const picture = image === undefined ? [] : [toImage(image)]
  return { role: role === 'assistant' ? role : 'user', content: [...picture, toBlock(said)] }
}

function toBlock({ role, text }: Said) {
  const kept = role === 'system' ? { cache_control: { type: 'ephemeral' as const } } : {}
  return { type: 'text' as const, text, ...kept }
}

function toImage(data: string) {
  return {
    type: 'image' as const,
    source: { type: 'base64' as const, media_type: 'image/png' as const, data },
  }
}
