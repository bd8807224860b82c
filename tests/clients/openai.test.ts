import { describe, expect, test } from 'bun:test'
import OpenAI from 'openai'
import { type ChatClient, describeClients, describePrompts, type Said } from './matrix.ts'
import { CHAT_BACKENDS, describeChat, describeToolImage, WORDS } from './suite.ts'

const REFUSALS = [
  [400, OpenAI.BadRequestError],
  [401, OpenAI.AuthenticationError],
] as const

describeChat('the OpenAI SDK', (stage) => {
  const connect = () => new OpenAI({ baseURL: `${stage.url}/openai/v1`, apiKey: 'not-needed' })
  const user = (content: string) => ({ role: 'user' as const, content })

  const chat: ChatClient = {
    async ask({ model, messages, signal }) {
      const body = { model, messages: messages.map(toChatMessage) }
      const answer = await connect().chat.completions.create(body, { signal })
      return answer.choices[0]?.message.content ?? ''
    },
    async *stream({ model, messages, signal }) {
      const body = { model, messages: messages.map(toChatMessage), stream: true as const }
      const chunks = await connect().chat.completions.create(body, { signal })
      for await (const { choices } of chunks) yield choices[0]?.delta.content ?? ''
    },
    statusOf,
  }
  const responses: ChatClient = {
    async ask({ model, messages, signal }) {
      const body = { model, input: messages.map(toInputItem) }
      return (await connect().responses.create(body, { signal })).output_text
    },
    async *stream({ model, messages, signal }) {
      const body = { model, input: messages.map(toInputItem), stream: true as const }
      const events = await connect().responses.create(body, { signal })
      for await (const event of events) if (event.type === 'response.output_text.delta') yield event.delta
    },
    statusOf,
  }
  describeClients(stage, { 'by chat completions': chat, 'by responses': responses })
  describePrompts(stage, chat)
  describeToolImage(stage, async (model, { call, image }) =>
    connect().responses.create({
      model,
      input: [
        user('Take a picture.'),
        { type: 'function_call', call_id: call, name: 'camera', arguments: '{}' },
        {
          type: 'function_call_output',
          call_id: call,
          output: [{ type: 'input_image', detail: 'auto', image_url: toUrl(image) }],
        },
        user('What is it?'),
      ],
    }),
  )

  describe.each(CHAT_BACKENDS.map((name) => [name]))('with %s', (model) => {
    test('gets an answer in one piece', async () => {
      stage.model.play({ text: 'Hello there.', usage: { input: 50, cachedInput: 20, output: 7 } })
      const answer = await connect().chat.completions.create({ model, messages: [user('hi')] })
      expect(answer.object).toBe('chat.completion')
      expect(answer.choices).toHaveLength(1)
      expect(answer.choices[0]).toMatchObject({
        index: 0,
        finish_reason: 'stop',
        message: { role: 'assistant', content: 'Hello there.' },
      })
      expect(answer.usage).toMatchObject({ prompt_tokens: 50, completion_tokens: 7, total_tokens: 57 })
      expect(answer._request_id).toBeString()
    })

    test('gets an answer as a stream, with usage at its end', async () => {
      stage.model.play({ text: ['One ', 'two ', 'three.'], delayMs: 20 })
      const stream = connect().chat.completions.stream({
        model,
        messages: [user('count')],
        stream_options: { include_usage: true },
      })
      const deltas: string[] = []
      for await (const chunk of stream) deltas.push(chunk.choices[0]?.delta.content ?? '')
      expect(deltas.join('')).toBe('One two three.')
      expect(deltas.filter((delta) => delta !== '').length).toBeGreaterThan(1)
      const whole = await stream.finalChatCompletion()
      expect(whole.choices[0]?.finish_reason).toBe('stop')
      expect(whole.usage?.total_tokens).toBeGreaterThan(0)
    })

    test('is a model call, without tools of the agent', async () => {
      stage.model.play({ text: 'ok' })
      await connect().chat.completions.create({ model, messages: [user('hi')] })
      expect(stage.model.calls.at(-1)?.tools).toEqual([])
    })

    test('goes on at a stop sequence no further', async () => {
      stage.model.play({ text: ['one ', 'two ', 'three ', 'four'], delayMs: 10 })
      const answer = await connect().chat.completions.create({
        model,
        messages: [user('count')],
        stop: 'three',
      })
      expect(answer.choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: 'one two ' } })
    })

    test.each(REFUSALS)(
      'raises the class for a %d, and does not run the agent twice',
      async (status, Class) => {
        stage.model.play({ status, message: 'Refused by the test.', retryAfter: 0.01 })
        const messages = [user(`please fail with ${status} on ${model}`)]
        const failure = await connect()
          .chat.completions.create({ model, messages })
          .catch((error) => error)
        expect(failure).toBeInstanceOf(Class)
        const asked = stage.model.calls.length
        // A client that honours no header asks again: it gets the same failure, and no agent.
        const again = await connect()
          .chat.completions.create({ model, messages })
          .catch((error) => error)
        expect(again).toBeInstanceOf(Class)
        expect(stage.model.calls.length).toBe(asked)
      },
      180_000,
    )

    test('answers through the Responses API, in one piece and as a stream', async () => {
      const client = connect()
      stage.model.play({ text: ['Resp', 'onse.'] })
      const first = await client.responses.create({ model, input: WORDS.first, instructions: WORDS.system })
      expect(first).toMatchObject({ object: 'response', status: 'completed', output_text: 'Response.' })
      stage.model.play({ text: ['Str', 'eamed.'] })
      const stream = client.responses.stream({ model, input: WORDS.second, previous_response_id: first.id })
      const types: string[] = []
      for await (const event of stream) types.push(event.type)
      expect(types[0]).toBe('response.created')
      expect(types.at(-1)).toBe('response.completed')
      expect((await stream.finalResponse()).output_text).toBe('Streamed.')
      const sent = JSON.stringify(stage.model.calls.at(-1)?.body)
      expect(sent.split(WORDS.first)).toHaveLength(2)
      expect(sent.split('Response.')).toHaveLength(2)
      expect(sent).not.toContain(WORDS.system)
    })
  })

  test('lists the models, and names what exists for one that does not', async () => {
    const models = (await connect().models.list()).data.map(({ id }) => id)
    for (const name of CHAT_BACKENDS) expect(models).toContain(name)
    expect((await connect().models.retrieve('claude')).id).toBe('claude')
    const failure = await connect()
      .chat.completions.create({ model: 'no-such-model', messages: [user('hi')] })
      .catch((error) => error)
    expect(failure).toBeInstanceOf(OpenAI.NotFoundError)
    expect(failure.code).toBe('model_not_found')
    expect(failure.message).toContain('claude')
  })
})

function statusOf(error: unknown): number | undefined {
  const classes = [OpenAI.RateLimitError, OpenAI.InternalServerError]
  return error instanceof OpenAI.APIError && classes.some((its) => error instanceof its)
    ? error.status
    : undefined
}

function toChatMessage({ role, text, image }: Said): OpenAI.ChatCompletionMessageParam {
  if (role !== 'user') return { role, content: text }
  const picture = { type: 'image_url' as const, image_url: { url: toUrl(image ?? '') } }
  return { role, content: [...(image === undefined ? [] : [picture]), { type: 'text', text }] }
}

function toInputItem({ role, text, image }: Said): OpenAI.Responses.ResponseInputItem {
  if (role !== 'user') return { role, content: text }
  const picture = { type: 'input_image' as const, detail: 'auto' as const, image_url: toUrl(image ?? '') }
  return { role, content: [...(image === undefined ? [] : [picture]), { type: 'input_text', text }] }
}

function toUrl(image: string): string {
  return `data:image/png;base64,${image}`
}
