import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { type MockProvider, type Recording, type Reply, startMockProvider } from './mock-provider/index.ts'

let provider: MockProvider
let names = 0

beforeAll(async () => {
  provider = await startMockProvider()
})
afterAll(() => provider.stop())

describe('an answer in the Anthropic dialect', () => {
  test('streams thinking, text and a tool call as content blocks with named events', async () => {
    const body = await streamed('anthropic', {
      thinking: ['hm ', 'so'],
      text: 'a b',
      toolCalls: [{ id: 'toolu_x', name: 'Bash', input: { command: 'ls' } }],
      usage: { input: 100, cachedInput: 40, cacheCreation: 20, output: 30, reasoning: 12 },
    })
    const sent = events(body)
    expect(sent.map(({ event, data }) => [event, data['type']])).toEqual(
      [
        'message_start',
        'ping',
        ...['content_block_start', ...Array(3).fill('content_block_delta'), 'content_block_stop'],
        ...['content_block_start', ...Array(2).fill('content_block_delta'), 'content_block_stop'],
        ...['content_block_start', 'content_block_delta', 'content_block_stop'],
        'message_delta',
        'message_stop',
      ].map((type) => [type, type]),
    )
    expect(
      sent.filter(({ event }) => event === 'content_block_delta').map(({ data }) => data['delta']),
    ).toEqual([
      { type: 'thinking_delta', thinking: 'hm ' },
      { type: 'thinking_delta', thinking: 'so' },
      { type: 'signature_delta', signature: expect.any(String) },
      { type: 'text_delta', text: 'a ' },
      { type: 'text_delta', text: 'b' },
      { type: 'input_json_delta', partial_json: '{"command":"ls"}' },
    ])
    expect(sent.at(-2)?.data).toEqual({
      type: 'message_delta',
      delta: { stop_reason: 'tool_use', stop_sequence: null },
      usage: {
        input_tokens: 40,
        cache_creation_input_tokens: 20,
        cache_read_input_tokens: 40,
        output_tokens: 30,
        output_tokens_details: { thinking_tokens: 12 },
      },
    })
  })

  test('is one message where the request does not ask for a stream', async () => {
    const { url } = scenario({ text: 'a b' })
    const response = await post(`${url}/v1/messages`, { model: 'm', messages: [] })
    expect(await response.json()).toMatchObject({
      type: 'message',
      model: 'm',
      content: [{ type: 'text', text: 'a b' }],
      stop_reason: 'end_turn',
    })
  })
})

describe('an answer in the OpenAI dialect', () => {
  test('streams reasoning, text and a function call as output items in sequence', async () => {
    const body = await streamed('openai', {
      thinking: ['hm'],
      text: 'a b',
      toolCalls: [{ id: 'call_x', name: 'exec_command', input: { cmd: 'ls' } }],
      usage: { input: 100, cachedInput: 40, output: 30, reasoning: 12 },
    })
    const sent = events(body)
    expect(sent.map(({ event }) => event?.replace('response.', ''))).toEqual([
      'created',
      'in_progress',
      'output_item.added',
      'reasoning_summary_part.added',
      'reasoning_summary_text.delta',
      'reasoning_summary_text.done',
      'reasoning_summary_part.done',
      'output_item.done',
      'output_item.added',
      'content_part.added',
      'output_text.delta',
      'output_text.delta',
      'output_text.done',
      'content_part.done',
      'output_item.done',
      'output_item.added',
      'function_call_arguments.delta',
      'function_call_arguments.done',
      'output_item.done',
      'completed',
    ])
    expect(sent.map(({ data }) => data['sequence_number'])).toEqual(sent.map((_, index) => index))
    expect(sent.at(-1)?.data).toMatchObject({
      response: {
        status: 'completed',
        output: [
          { type: 'reasoning', summary: [{ text: 'hm' }] },
          { type: 'message', content: [{ type: 'output_text', text: 'a b' }] },
          { type: 'function_call', call_id: 'call_x', name: 'exec_command', arguments: '{"cmd":"ls"}' },
        ],
        usage: {
          input_tokens: 100,
          input_tokens_details: { cached_tokens: 40 },
          output_tokens: 30,
          output_tokens_details: { reasoning_tokens: 12 },
          total_tokens: 130,
        },
      },
    })
  })

  test('ends incomplete where the limit of tokens was reached', async () => {
    const last = events(await streamed('openai', { text: 'a', stopReason: 'max_tokens' })).at(-1)
    expect(last?.event).toBe('response.incomplete')
    expect(last?.data).toMatchObject({ response: { incomplete_details: { reason: 'max_output_tokens' } } })
  })
})

describe('an answer in the Gemini dialect', () => {
  test('streams unnamed chunks with thoughts, text and a function call, and the usage in the last', async () => {
    const body = await streamed('gemini', {
      thinking: ['hm'],
      text: 'a b',
      toolCalls: [{ id: 'fc_x', name: 'list_directory', input: { dir_path: '.' } }],
      usage: { input: 100, cachedInput: 40, output: 30, reasoning: 12 },
    })
    expect(body).toEndWith('\r\n\r\n')
    const sent = events(body)
    const parts = sent.slice(0, -1).map(({ data }) => data['candidates'])
    expect(parts).toEqual(
      [
        { text: 'hm', thought: true },
        { text: 'a ' },
        { text: 'b' },
        { functionCall: { id: 'fc_x', name: 'list_directory', args: { dir_path: '.' } } },
      ].map((part) => [{ content: { role: 'model', parts: [part] }, index: 0 }]),
    )
    expect(sent.at(-1)).toMatchObject({
      event: undefined,
      data: {
        candidates: [{ finishReason: 'STOP' }],
        modelVersion: 'gemini-2.5-flash',
        usageMetadata: {
          promptTokenCount: 100,
          cachedContentTokenCount: 40,
          candidatesTokenCount: 18,
          thoughtsTokenCount: 12,
          totalTokenCount: 130,
        },
      },
    })
  })
})

describe('a refusal', () => {
  test('has the shape, the words and the headers of Anthropic', async () => {
    const response = await ask('anthropic', scenario({ status: 429, retryAfter: 7 }))
    expect(response.status).toBe(429)
    expect(response.headers.get('retry-after')).toBe('7')
    const id = response.headers.get('request-id')
    expect(id).toStartWith('req_')
    expect(await response.json()).toEqual({
      type: 'error',
      error: { type: 'rate_limit_error', message: expect.any(String) },
      request_id: id,
    })
  })

  test('has the shape, the words and the headers of OpenAI', async () => {
    const response = await ask('openai', scenario({ status: 401, retryAfter: 7 }))
    expect([response.status, response.headers.get('retry-after')]).toEqual([401, '7'])
    expect(await response.json()).toEqual({
      error: {
        message: 'Incorrect API key provided.',
        type: 'invalid_request_error',
        param: null,
        code: 'invalid_api_key',
      },
    })
  })

  test('has the shape and the words of Gemini, with the time to wait in its details', async () => {
    const response = await ask('gemini', scenario({ status: 429, retryAfter: 7, message: 'No more.' }))
    expect(response.status).toBe(429)
    expect(await response.json()).toEqual({
      error: {
        code: 429,
        message: 'No more.',
        status: 'RESOURCE_EXHAUSTED',
        details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '7s' }],
      },
    })
  })

  test.each([
    ['anthropic', '"overloaded_error"'],
    ['openai', '"response.failed"'],
    ['gemini', '"UNAVAILABLE"'],
  ] as const)('can come inside a stream that has begun (%s)', async (dialect, error) => {
    const response = await ask(dialect, scenario({ text: ['first', 'second'], status: 529, failAfter: 1 }))
    expect(response.status).toBe(200)
    const body = await response.text()
    expect(body).toContain('first')
    expect(body).not.toContain('second')
    expect(body.trimEnd().split('\n').at(-1)).toContain(error)
  })
})

describe('a script', () => {
  test('answers call after call with its steps and repeats the last', async () => {
    const steps = scenario([{ status: 529 }, { text: 'one' }, { text: 'two' }])
    const statuses = [
      await ask('anthropic', steps),
      await ask('anthropic', steps),
      await ask('anthropic', steps),
    ]
    const last = await (await ask('anthropic', steps)).text()
    expect(statuses.map(({ status }) => status)).toEqual([529, 200, 200])
    expect(last).toContain('two')
  })

  test('can be a function of the request', async () => {
    const echo = scenario(({ prompt, system }) => ({ text: [`${system}/${prompt}`] }))
    for (const dialect of ['anthropic', 'openai', 'gemini'] as const) {
      expect(await (await ask(dialect, echo)).text()).toContain('be brief/hello')
    }
  })

  test('gives no step to what an agent asks by itself', async () => {
    const steps = scenario([{ text: 'first' }, { text: 'second' }])
    const own = [
      ['/v1/messages', { max_tokens: 1, messages: [{ role: 'user', content: 'Hi' }] }],
      ['/v1/messages', { system: 'You are a title generator. …', stream: true, messages: [] }],
      ['/v1/messages/count_tokens', { messages: [] }],
      ['/v1beta/models/m:generateContent', { contents: [] }],
      ['/v1beta/models/m:countTokens', { contents: [] }],
    ] as const
    for (const [path, body] of own) expect((await post(steps.url + path, body)).status).toBe(200)
    const compaction = { 'x-codex-turn-metadata': '{"request_kind":"compaction"}' }
    expect((await post(`${steps.url}/v1/responses`, { input: [] }, compaction)).status).toBe(200)
    expect((await fetch(`${steps.url}/v1/models`)).status).toBe(200)
    expect(steps.calls).toEqual([])
    expect(await (await ask('openai', steps)).text()).toContain('first')
    expect(steps.calls).toHaveLength(1)
    expect(steps.requests).toHaveLength(8)
  })

  test("answers Gemini CLI's classifier with JSON of the schema it sends", async () => {
    const { url } = scenario({ text: 'no' })
    const properties = { why: { type: 'STRING' }, score: { type: 'INTEGER' } }
    const response = await post(`${url}/v1beta/models/m:generateContent`, {
      generationConfig: { responseJsonSchema: { type: 'OBJECT', properties } },
    })
    expect(await response.json()).toMatchObject({
      candidates: [{ content: { parts: [{ text: '{"why":"mock","score":1}' }] } }],
    })
  })

  test('can refuse what an agent asks by itself', async () => {
    const { url } = provider.scenario('refused probe', {}, { auxiliary: { status: 404 } })
    expect((await post(`${url}/v1/messages`, { max_tokens: 1, messages: [] })).status).toBe(404)
  })

  test('starts anew when it is replaced', async () => {
    const steps = scenario([{ text: 'one' }, { text: 'two' }])
    await (await ask('gemini', steps)).text()
    steps.play([{ text: 'three' }, { text: 'four' }])
    expect(await (await ask('gemini', steps)).text()).toContain('three')
  })
})

describe('a recording', () => {
  test('keeps what each scenario was asked apart, and all of it in order at the provider', async () => {
    const [one, two] = [scenario({ text: 'one' }), scenario({ text: 'two' })]
    const before = provider.requests.length
    await Promise.all((await Promise.all([ask('anthropic', one), ask('gemini', two)])).map((r) => r.text()))
    expect(one.requests).toHaveLength(1)
    expect(one.requests[0]).toMatchObject({
      dialect: 'anthropic',
      method: 'POST',
      path: '/v1/messages',
      system: 'be brief',
      prompt: 'hello',
      tools: ['Bash'],
      auxiliary: false,
      deltas: 1,
      state: 'done',
    })
    expect(two.requests.map(({ dialect, tools }) => [dialect, tools])).toEqual([['gemini', ['list']]])
    expect(provider.requests.slice(before)).toHaveLength(2)
    expect(provider.requests.map(({ index }) => index)).toEqual(provider.requests.map((_, index) => index))
  })

  test('shows requests to paths that no provider has', async () => {
    const odd = scenario({ text: 'x' })
    expect((await fetch(`${odd.url}/api/telemetry?x=1`)).status).toBe(404)
    expect(odd.requests).toMatchObject([{ dialect: 'other', path: '/api/telemetry?x=1', body: {} }])
    expect(odd.calls).toEqual([])
  })

  test('refuses a second scenario of a name, and requests to one that does not exist', async () => {
    provider.scenario('twice', {})
    expect(() => provider.scenario('twice', {})).toThrow("'twice'")
    expect((await post(`${provider.url}/s/nowhere/v1/messages`, {})).status).toBe(404)
  })

  test('lists the requests when it waits in vain', async () => {
    const quiet = scenario({ text: 'x' })
    await (await ask('openai', quiet)).text()
    const waited = quiet.waitFor(() => quiet.calls.length === 2, { timeoutMs: 20 })
    await expect(waited).rejects.toThrow('POST /v1/responses: done, 1 deltas')
  })
})

describe('a connection', () => {
  test('stays open and silent after a stall, until the client leaves', async () => {
    const stalled = scenario({ text: ['first', 'second'], stallAfter: 1 })
    const leave = new AbortController()
    const response = await ask('anthropic', stalled, leave.signal)
    const reader = bodyOf(response).getReader()
    let seen = ''
    while (!seen.includes('first')) seen += new TextDecoder().decode((await reader.read()).value)
    expect([stalled.inFlight, stalled.requests[0]?.state]).toEqual([1, 'open'])
    leave.abort()
    await stalled.idle()
    expect(stalled.requests[0]).toMatchObject({ state: 'aborted', deltas: 1 })
  })

  test('that is left before the script has an answer counts as aborted', async () => {
    const pending = scenario(() => new Promise<Reply>(() => {}))
    const leave = new AbortController()
    const asked = ask('gemini', pending, leave.signal).catch(() => 'left')
    await pending.waitFor(() => pending.inFlight === 1)
    leave.abort()
    expect(await asked).toBe('left')
    await pending.idle()
    expect(pending.requests[0]?.state).toBe('aborted')
  })

  test.each(['anthropic', 'openai', 'gemini'] as const)(
    'is reset after the given number of deltas (%s)',
    async (dialect) => {
      const dropped = scenario({ text: ['first', 'second'], dropAfter: 1 })
      const reader = bodyOf(await ask(dialect, dropped)).getReader()
      let seen = ''
      const failure = await (async () => {
        for (;;) {
          const { done, value } = await reader.read()
          if (done) return 'complete'
          seen += new TextDecoder().decode(value)
        }
      })().catch(() => 'reset')
      expect(failure).toBe('reset')
      expect(seen).toContain('first')
      expect(seen).not.toContain('second')
      expect(dropped.requests[0]).toMatchObject({ state: 'dropped', deltas: 1 })
    },
  )

  test('holds back what its client does not read', async () => {
    const total = 4_000
    const slow = scenario({ text: Array<string>(total).fill('x'.repeat(16_384)) })
    const leave = new AbortController()
    const response = await ask('openai', slow, leave.signal)
    await slow.waitFor(() => (slow.requests[0]?.deltas ?? 0) > 0)
    let before = -1
    while (before !== slow.requests[0]?.deltas) {
      before = slow.requests[0]?.deltas ?? 0
      await Bun.sleep(100)
    }
    expect(before).toBeLessThan(total)
    expect(slow.inFlight).toBe(1)
    leave.abort()
    await response.text().catch(() => '')
    await slow.idle()
  })
})

function scenario(script: Parameters<MockProvider['scenario']>[1]): Recording {
  return provider.scenario(`test ${names++}`, script)
}

async function streamed(dialect: keyof typeof QUESTIONS, reply: Reply): Promise<string> {
  const response = await ask(dialect, scenario(reply))
  expect(response.headers.get('content-type')).toStartWith('text/event-stream')
  return response.text()
}

const QUESTIONS = {
  anthropic: {
    path: '/v1/messages',
    body: {
      model: 'm',
      stream: true,
      system: [{ type: 'text', text: 'be brief' }],
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'context' },
            { type: 'text', text: 'hello' },
          ],
        },
      ],
      tools: [{ name: 'Bash' }],
    },
  },
  openai: {
    path: '/v1/responses',
    body: {
      model: 'm',
      stream: true,
      instructions: 'be brief',
      input: [{ role: 'user', content: [{ type: 'input_text', text: 'hello' }] }],
      tools: [{ type: 'function', name: 'exec_command' }],
    },
  },
  gemini: {
    path: '/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse',
    body: {
      systemInstruction: { parts: [{ text: 'be brief' }] },
      contents: [{ role: 'user', parts: [{ text: 'hello' }] }],
      tools: [{ functionDeclarations: [{ name: 'list' }] }],
    },
  },
} as const

function ask(dialect: keyof typeof QUESTIONS, { url }: Recording, signal?: AbortSignal): Promise<Response> {
  const { path, body } = QUESTIONS[dialect]
  return post(url + path, body, {}, signal)
}

function post(url: string, body: object, headers: Record<string, string> = {}, signal?: AbortSignal) {
  return fetch(url, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
    ...(signal ? { signal } : {}),
  })
}

function bodyOf(response: Response): ReadableStream<Uint8Array> {
  if (!response.body) throw new Error('The response has no body.')
  return response.body
}

/** The server-sent events of a body that was read to its end. */
function events(body: string): { event: string | undefined; data: Record<string, unknown> }[] {
  return body
    .split(/\r?\n\r?\n/)
    .filter((block) => block !== '')
    .map((block) => ({
      event: /^event: (.*)$/m.exec(block)?.[1],
      data: JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? 'null'),
    }))
}
