import { describe, expect, test } from 'bun:test'
import { ClinvkError } from '../../../../src/errors.ts'
import type { ChatTurn } from '../../../../src/server/chat/types.ts'
import { CUSTOM_SCHEMA } from '../../../../src/server/openai/custom-tools.ts'
import { toOpenAiErrorBody } from '../../../../src/server/openai/errors.ts'
import { fromResponsesRequest } from '../../../../src/server/openai/responses/from-request.ts'
import type { CreateResponse } from '../../../../src/server/openai/responses/schema.ts'
import { CreateResponse as Schema } from '../../../../src/server/openai/responses/schema.ts'
import { createResponseStore } from '../../../../src/server/openai/responses/store.ts'
import { createCheck } from '../../../../src/server/validate.ts'
import { create, images, stored, text } from './support.ts'

const PNG = 'data:image/png;base64,iVBORw0KGgo='

describe('input', () => {
  const user = (...parts: unknown[]) => ({ role: 'user', parts })
  const assistant = (said: string, ...toolCalls: unknown[]) => ({ role: 'assistant', text: said, toolCalls })
  const asks = { role: 'user', content: 'ask' }
  const table: { name: string; input: unknown; system?: string; messages: unknown[] }[] = [
    { name: 'a text', input: 'hi', messages: [user(text('hi'))] },
    { name: 'a message without a type', input: [asks], messages: [user(text('ask'))] },
    {
      name: 'parts of text, image and file',
      input: [
        {
          type: 'message',
          role: 'user',
          content: [
            { type: 'input_text', text: 'see' },
            { type: 'input_image', image_url: PNG, detail: 'low', file_id: null },
            { type: 'input_file', filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERi0=' },
            { type: 'input_file', filename: 'b.pdf', file_data: 'JVBERi0=' },
            { type: 'input_file', filename: 'c.txt', file_data: 'aGk=' },
          ],
        },
      ],
      messages: [
        user(
          text('see'),
          { type: 'image', mediaType: 'image/png', data: 'iVBORw0KGgo=' },
          { type: 'document', mediaType: 'application/pdf', data: 'JVBERi0=', name: 'a.pdf' },
          { type: 'document', mediaType: 'application/pdf', data: 'JVBERi0=', name: 'b.pdf' },
          text('c.txt:\n\nhi'),
        ),
      ],
    },
    {
      name: 'instructions of the system and the developer, in their order',
      input: [
        { role: 'system', content: 'one' },
        { role: 'developer', content: [{ type: 'input_text', text: 'two' }] },
        asks,
      ],
      system: 'one\n\ntwo',
      messages: [user(text('ask'))],
    },
    {
      name: 'instructions alone, which are what is asked',
      input: [{ role: 'developer', content: 'do it' }],
      messages: [user(text('do it'))],
    },
    {
      name: 'answers as text, parts and refusals',
      input: [
        asks,
        { role: 'assistant', content: 'plain' },
        asks,
        {
          type: 'message',
          id: 'msg_x',
          role: 'assistant',
          status: 'completed',
          content: [output('a'), output('b')],
        },
        asks,
        { role: 'assistant', content: [{ type: 'refusal', refusal: 'no' }] },
        asks,
      ],
      messages: [
        user(text('ask')),
        assistant('plain'),
        user(text('ask')),
        assistant('ab'),
        user(text('ask')),
        assistant('no'),
        user(text('ask')),
      ],
    },
    {
      name: 'an answer without a word, which nothing is made of',
      input: [asks, { role: 'assistant', content: null }, { role: 'assistant', content: '' }, asks],
      messages: [user(text('ask')), user(text('ask'))],
    },
    {
      name: 'calls and results, with what was said around the calls in one message',
      input: [
        asks,
        { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'xx' },
        { type: 'message', role: 'assistant', content: [output('let me see')] },
        { type: 'function_call', call_id: 'c1', name: 'look', arguments: '{"at":1}' },
        { type: 'function_call', call_id: 'c2', name: 'look', arguments: 'not json' },
        { type: 'function_call_output', call_id: 'c1', output: 'found' },
        { type: 'function_call_output', call_id: 'c2', output: [{ type: 'input_image', image_url: PNG }] },
      ],
      messages: [
        user(text('ask')),
        assistant(
          'let me see',
          { id: 'c1', name: 'look', input: { at: 1 } },
          { id: 'c2', name: 'look', input: { arguments: 'not json' } },
        ),
        { role: 'tool', callId: 'c1', parts: [text('found')], isError: false },
        {
          role: 'tool',
          callId: 'c2',
          parts: [{ type: 'image', mediaType: 'image/png', data: 'iVBORw0KGgo=' }],
          isError: false,
        },
      ],
    },
    {
      name: 'custom tools, and tools of OpenAI that clients run',
      input: [
        asks,
        { type: 'custom_tool_call', call_id: 'c1', name: 'patch', input: '{"raw"' },
        {
          type: 'local_shell_call',
          id: 'x',
          call_id: 'c2',
          status: 'completed',
          action: { command: ['ls'] },
        },
        { type: 'custom_tool_call_output', call_id: 'c1', output: 'ok' },
        { type: 'local_shell_call_output', call_id: 'c2', output: 'files' },
        asks,
      ],
      messages: [
        user(text('ask')),
        assistant(
          '',
          { id: 'c1', name: 'patch', input: { input: '{"raw"' } },
          { id: 'c2', name: 'local_shell', input: { action: { command: ['ls'] } } },
        ),
        { role: 'tool', callId: 'c1', parts: [text('ok')], isError: false },
        { role: 'tool', callId: 'c2', parts: [text('files')], isError: false },
        user(text('ask')),
      ],
    },
  ]
  for (const { name, input, system, messages } of table)
    test(`may be ${name}`, async () => {
      const { turn } = await translate({ input: input as NonNullable<CreateResponse['input']> })
      expect(turn.messages as unknown[]).toEqual(messages)
      expect(turn.system).toBe(system as string)
    })

  const wrong: [unknown, string][] = [
    [undefined, 'input'],
    [[], 'input'],
    ['  ', 'input'],
    [[asks, { role: 'assistant', content: 'x' }], 'input'],
    [[asks, { role: 'tool', content: 'x' }], 'input[1].role'],
    [[{ role: 'user' }], 'input[0].content'],
    [[{ role: 'user', content: [7] }], 'input[0].content[0]'],
    [[{ role: 'user', content: [{ type: 'input_text' }] }], 'input[0].content[0].text'],
    [[{ role: 'user', content: [{ type: 'input_audio' }] }], 'input[0].content[0].type'],
    [[{ role: 'user', content: [{ type: 'input_image', file_id: 'f' }] }], 'input[0].content[0].file_id'],
    [
      [{ role: 'user', content: [{ type: 'input_image', image_url: 'http://x/y' }] }],
      'input[0].content[0].image_url',
    ],
    [[{ role: 'user', content: [{ type: 'input_file', file_data: '%' }] }], 'input[0].content[0].file_data'],
    [
      [{ role: 'system', content: [{ type: 'input_image', image_url: PNG }] }, asks],
      'input[0].content[0].type',
    ],
    [[{ type: 'function_call', call_id: 'c', name: 'n', arguments: {} }], 'input[0].arguments'],
    [[asks, { type: 'function_call_output', call_id: 'c', output: 'x' }], 'input[1].call_id'],
    [[{ type: 'compaction', id: 'cmp_1' }], 'input[0].type'],
    [[{ type: 7 }], 'input[0].type'],
  ]
  for (const [input, param] of wrong)
    test(`${JSON.stringify(input)} is refused at ${param}`, async () => {
      const failure = await refusalOf({ input: input as NonNullable<CreateResponse['input']> })
      expect([failure.status, toOpenAiErrorBody(failure).error.param]).toEqual([400, param])
    })
})

describe('tools', () => {
  const parameters = { type: 'object', properties: { city: { type: 'string' } } }
  const f = { type: 'function', name: 'f', description: 'F.', parameters, strict: true }
  const patch = { type: 'custom', name: 'patch', description: 'P.', format: { type: 'text' } }
  const offered = [
    { name: 'f', description: 'F.', inputSchema: parameters },
    { name: 'patch', description: 'P.', inputSchema: CUSTOM_SCHEMA },
  ]
  const table: [Partial<CreateResponse>, Partial<ChatTurn>][] = [
    [{ tools: [f, patch] }, { tools: offered }],
    [{ tools: [f, patch], tool_choice: 'none' }, {}],
    [
      { tools: [f, patch], tool_choice: 'required' },
      { tools: offered, toolChoice: 'required' },
    ],
    [
      { tools: [f, patch], tool_choice: { type: 'custom', name: 'patch' } },
      { tools: offered, toolChoice: { name: 'patch' } },
    ],
    [
      { tools: [f, patch], tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [{ name: 'f' }] } },
      { tools: offered.slice(0, 1) },
    ],
    [
      { tools: [f, patch], parallel_tool_calls: false },
      { tools: offered, serialCalls: true },
    ],
    [
      { tools: [{ type: 'web_search' }, f] },
      { tools: offered.slice(0, 1), withoutEffect: ['tools.web_search'] },
    ],
    [
      { text: { format: { type: 'json_object' } } },
      { answer: { schema: { type: 'object' }, strict: false } },
    ],
    [
      { text: { format: { type: 'json_schema', name: 'n', schema: { type: 'array' }, strict: true } } },
      { answer: { schema: { type: 'array' }, strict: true } },
    ],
  ]
  for (const [body, turn] of table)
    test(`${JSON.stringify(body)} reach the turn`, async () => {
      const {
        effortField: _,
        maxTokensField: __,
        messages: ___,
        model: ____,
        ...found
      } = (await translate(body)).turn
      expect(found).toEqual({ withoutEffect: [], ...turn })
    })

  const wrong: [Partial<CreateResponse>, string][] = [
    [{ tool_choice: 'required' }, 'tool_choice'],
    [{ tools: [f], tool_choice: 'perhaps' }, 'tool_choice'],
    [{ tools: [f], tool_choice: { type: 'web_search' } }, 'tool_choice'],
    [{ tools: [f], tool_choice: { type: 'function', name: 'g' } }, 'tool_choice.name'],
    [{ tools: [f, f] }, 'tools[1].name'],
    [{ tools: [{ type: 'function' }] }, 'tools[0].name'],
  ]
  for (const [body, param] of wrong)
    test(`${JSON.stringify(body)} are refused at ${param}`, async () => {
      expect(toOpenAiErrorBody(await refusalOf(body)).error).toMatchObject({ param, code: 'invalid_value' })
    })
})

describe('tools as Codex offers them', () => {
  const f = { type: 'function', name: 'f', parameters: { type: 'object', properties: {} } }
  const patch = { type: 'custom', name: 'patch' }
  const hi = { role: 'user', content: 'hi' }
  const namesOf = async (body: Partial<CreateResponse>) =>
    (await translate(body)).turn.tools?.map(({ name }) => name)

  test('are found in namespaces and in items, and known by the names that the client has for them', async () => {
    const { turn, forms } = await translate({
      tools: [f, { type: 'namespace', name: 'ns', description: 'All of it.', tools: [f, patch] }],
      input: [
        {
          type: 'additional_tools',
          role: 'developer',
          tools: [{ type: 'namespace', name: 'functions', tools: [patch] }, { type: 'web_search' }],
        },
        hi,
      ],
    })
    expect(turn.tools).toMatchObject([
      { name: 'f' },
      { name: 'ns__f', description: 'All of it.' },
      { name: 'ns__patch', inputSchema: { required: ['input'] } },
      { name: 'patch', inputSchema: { required: ['input'] } },
    ])
    expect(turn.messages).toEqual([{ role: 'user', parts: [text('hi')] }])
    expect(turn.withoutEffect).toEqual(['tools.web_search'])
    expect(Object.fromEntries(forms)).toEqual({
      ns__f: { kind: 'call', name: 'f', namespace: 'ns' },
      ns__patch: { kind: 'custom', name: 'patch', namespace: 'ns' },
      patch: { kind: 'custom', name: 'patch', namespace: 'functions' },
    })
  })

  test('are offered once where an item offers them again', async () => {
    const again = { type: 'additional_tools', tools: [{ ...f, description: 'new' }] }
    const { turn } = await translate({ tools: [f], input: [again, again, hi] })
    expect(turn.tools).toMatchObject([{ name: 'f', description: 'new' }])
  })

  test('are chosen by namespace and name', async () => {
    const tools = [{ type: 'namespace', name: 'ns', tools: [f] }]
    const choice = { type: 'function', name: 'f', namespace: 'ns' }
    expect((await translate({ tools, tool_choice: choice })).turn.toolChoice).toEqual({ name: 'ns__f' })
  })

  test('are looked up by a search of the client, and offered from then on', async () => {
    const search = { type: 'tool_search', execution: 'client', description: 'Finds.', parameters: {} }
    const found = [{ type: 'namespace', name: 'ns', tools: [f] }]
    const input = [
      hi,
      { type: 'tool_search_call', call_id: 's', execution: 'client', arguments: { query: 'q' } },
      { type: 'tool_search_output', call_id: 's', execution: 'client', tools: found },
      { type: 'function_call', call_id: 'c', namespace: 'ns', name: 'f', arguments: '{}' },
      { type: 'function_call_output', call_id: 'c', output: 'done' },
    ]
    expect(await namesOf({ tools: [search], input: [hi] })).toEqual(['tool_search'])
    const { turn } = await translate({ tools: [search], input })
    expect(turn.tools?.map(({ name }) => name)).toEqual(['tool_search', 'ns__f'])
    expect(turn.messages.slice(1)).toMatchObject([
      { toolCalls: [{ id: 's', name: 'tool_search', input: { query: 'q' } }] },
      { callId: 's', parts: [text('These tools can be called now: ns__f')] },
      { toolCalls: [{ id: 'c', name: 'ns__f' }] },
      { callId: 'c' },
    ])
  })

  test("are the provider's own where it is to search", async () => {
    const { turn } = await translate({
      tools: [{ type: 'tool_search' }],
      input: [
        hi,
        { type: 'tool_search_call', call_id: null, execution: 'server', arguments: {} },
        { type: 'tool_search_output', call_id: null, execution: 'server', tools: [f] },
        hi,
      ],
    })
    expect(turn.withoutEffect).toEqual(['tools.tool_search'])
    expect(turn.messages.map(({ role }) => role)).toEqual(['user', 'user'])
    expect(turn.tools?.map(({ name }) => name)).toEqual(['f'])
  })

  const wrong: [Partial<CreateResponse>, string][] = [
    [{ tools: [{ type: 'namespace', tools: [f] }] }, 'tools[0].name'],
    [{ tools: [{ type: 'namespace', name: 'ns', tools: [f, f] }] }, 'tools[0].tools[1].name'],
    [{ input: [{ type: 'additional_tools', tools: ['f'] }, hi] }, 'input[0].tools[0]'],
  ]
  for (const [body, param] of wrong)
    test(`${JSON.stringify(body)} are refused at ${param}`, async () => {
      expect(toOpenAiErrorBody(await refusalOf(body)).error).toMatchObject({ param, code: 'invalid_value' })
    })
})

describe('what is refused, rather than ignored', () => {
  const table: [Partial<CreateResponse>, string][] = [
    [{ background: true, store: false }, 'background'],
    [{ conversation: 'conv_1' }, 'conversation'],
    [{ prompt: { id: 'p' } }, 'prompt'],
    [{ top_logprobs: 2 }, 'top_logprobs'],
    [{ include: ['message.output_text.logprobs'] }, 'include'],
  ]
  for (const [body, param] of table)
    test(JSON.stringify(body), async () => {
      const failure = await refusalOf(body)
      expect(failure.status).toBe(400)
      expect(toOpenAiErrorBody(failure).error).toMatchObject({ param, code: 'unsupported_parameter' })
    })

  const fine: Partial<CreateResponse>[] = [
    { tools: [{ type: 'function', name: 'f' }], tool_choice: 'none' },
    { tools: [], tool_choice: 'auto' },
    { background: true, conversation: null, prompt: null, tools: null, top_logprobs: 0 },
    { text: { format: { type: 'text' } }, include: ['reasoning.encrypted_content'] },
  ]
  for (const body of fine)
    test(`but not ${JSON.stringify(body)}`, async () => {
      expect((await translate(body)).turn.messages).toEqual([{ role: 'user', parts: [text('hi')] }])
    })
})

describe('what a tool of the provider did in an earlier answer', () => {
  test('is told as a call with its result', async () => {
    const { turn } = await translate({
      input: [
        { role: 'user', content: 'a' },
        { type: 'web_search_call', id: 'ws_1', status: 'completed', action: { type: 'search', query: 'q' } },
        { type: 'mcp_list_tools', id: 'mcpl_1', server_label: 's', tools: [] },
        { type: 'mcp_call', id: 'mcp_1', name: 'n', arguments: '{}', output: 'out' },
        { role: 'user', content: 'b' },
      ],
    })
    expect(turn.messages).toEqual([
      { role: 'user', parts: [text('a')] },
      {
        role: 'assistant',
        text: '',
        toolCalls: [{ id: 'ws_1', name: 'web_search', input: { action: { type: 'search', query: 'q' } } }],
      },
      { role: 'tool', callId: 'ws_1', parts: [text('completed')], isError: false },
      {
        role: 'assistant',
        text: '',
        toolCalls: [{ id: 'mcp_1', name: 'mcp', input: { name: 'n', arguments: '{}' } }],
      },
      { role: 'tool', callId: 'mcp_1', parts: [text('out')], isError: false },
      { role: 'user', parts: [text('b')] },
    ])
  })
})

describe('the other fields', () => {
  test('reach the turn, or are named as without effect', async () => {
    const { turn } = await translate({
      instructions: 'be brief',
      reasoning: { effort: 'xhigh', summary: 'auto' },
      max_output_tokens: 99,
      metadata: { a: '1' },
      temperature: 0,
      top_p: null,
      truncation: 'auto',
      text: { verbosity: 'low' },
    })
    expect(turn).toEqual({
      model: 'fake',
      system: 'be brief',
      messages: [{ role: 'user', parts: [text('hi')] }],
      effort: 'xhigh',
      effortField: 'reasoning.effort',
      maxTokens: 99,
      maxTokensField: 'max_output_tokens',
      metadata: { a: '1' },
      withoutEffect: ['temperature', 'truncation', 'text.verbosity'],
    })
  })

  test('may all be null, and unknown ones may be there', async () => {
    const nulls = Object.fromEntries(Object.keys(Schema.properties).map((name) => [name, null]))
    const body = createCheck(Schema)({ ...nulls, model: 'fake', input: 'hi', client_metadata: { x: 1 } })
    const { turn } = await fromResponsesRequest(body, nothingKnown)
    expect(turn).toMatchObject({ model: 'fake', withoutEffect: [] })
    expect(Object.keys(turn)).not.toContain('effort')
  })

  const wrong: [object, string][] = [
    [{}, 'model'],
    [{ model: 'm', input: 7 }, 'input'],
    [{ model: 'm', input: ['x'] }, 'input[0]'],
    [{ model: 'm', stream: 'yes' }, 'stream'],
    [{ model: 'm', reasoning: { effort: 'huge' } }, 'reasoning.effort'],
    [{ model: 'm', max_output_tokens: 0 }, 'max_output_tokens'],
  ]
  for (const [body, param] of wrong)
    test(`${JSON.stringify(body)} is wrong at ${param}`, () => {
      const check = () => createCheck(Schema)(body)
      expect(check).toThrow(ClinvkError)
      try {
        check()
      } catch (error) {
        expect(toOpenAiErrorBody(error as ClinvkError).error.param).toBe(param)
      }
    })
})

describe('what was said before', () => {
  const store = createResponseStore()
  store.put('me', stored('a'))
  store.put('me', stored('b', 'resp_a'))
  const known = {
    chain: (id: string) => store.chain('me', id),
    item: (id: string) => store.item('me', id),
    images,
  }
  const chain = [
    { role: 'user', parts: [text('question a')] },
    { role: 'assistant', text: 'answer a', toolCalls: [] },
    { role: 'user', parts: [text('question b')] },
    { role: 'assistant', text: 'answer b', toolCalls: [] },
  ]
  const hi = { role: 'user', parts: [text('hi')] }

  test('is the whole chain, in front of the input', async () => {
    const { turn, input } = await fromResponsesRequest(create({ previous_response_id: 'resp_b' }), known)
    expect(turn.messages as unknown[]).toEqual([...chain, hi])
    expect(input.map(({ content }) => content)).toEqual([[{ type: 'input_text', text: 'hi' }]])
  })

  test('is not the instructions of the chain', async () => {
    const before = stored('c')
    const withInstructions = { ...before, response: { ...before.response, instructions: 'old' } }
    const { turn } = await fromResponsesRequest(
      create({ previous_response_id: 'resp_c', instructions: 'new' }),
      { ...known, chain: () => [withInstructions] },
    )
    expect(turn.system).toBe('new')
  })

  test('is not doubled by a client that sends it once more', async () => {
    const { turn, input } = await fromResponsesRequest(
      create({
        previous_response_id: 'resp_b',
        input: [
          { type: 'item_reference', id: 'msg_a' },
          { type: 'message', id: 'msg_b', role: 'assistant', content: [output('answer b')] },
          { role: 'user', content: 'hi' },
        ],
      }),
      known,
    )
    expect(turn.messages as unknown[]).toEqual([...chain, hi])
    expect(input).toHaveLength(1)
  })

  test('may be referred to by item, with and without a type', async () => {
    const { turn, input } = await fromResponsesRequest(
      create({
        input: [
          { role: 'user', content: 'question a' },
          { type: 'item_reference', id: 'msg_a' },
          { id: 'ask_b' },
          { id: 'msg_b' },
          { role: 'user', content: 'hi' },
        ],
      }),
      known,
    )
    expect(turn.messages as unknown[]).toEqual([...chain, hi])
    expect(input.map(({ id }) => id).slice(1, 4)).toEqual(['msg_a', 'ask_b', 'msg_b'])
  })

  test('is unknown: a response', async () => {
    const failure = await refusalOf({ previous_response_id: 'resp_x' })
    expect([failure.status, toOpenAiErrorBody(failure).error]).toEqual([
      400,
      {
        message: failure.message,
        type: 'invalid_request_error',
        param: 'previous_response_id',
        code: 'previous_response_not_found',
      },
    ])
    expect(failure.message).toStartWith("Previous response with id 'resp_x' not found")
  })

  test('is unknown: an item', async () => {
    const failure = await refusalOf({ input: [{ type: 'item_reference', id: 'msg_x' }] })
    expect([failure.status, toOpenAiErrorBody(failure).error.param]).toEqual([404, 'input'])
  })
})

test('items are kept as they are listed: with ids of ours, a state, and their content in parts', async () => {
  const { input } = await translate({
    input: [
      { role: 'system', content: 'be brief' },
      { id: 'msg_1', role: 'user', content: 'a' },
      { id: 'msg_1', role: 'assistant', content: 'b' },
      { type: 'function_call', call_id: 'c', name: 'n', arguments: '{}' },
      { type: 'function_call_output', call_id: 'c', output: 'x' },
      { type: 'reasoning', summary: [] },
      { role: 'user', content: [{ type: 'input_text', text: 'd' }] },
    ],
  })
  expect(input.map(({ id: _, ...item }) => item)).toEqual([
    {
      type: 'message',
      role: 'system',
      status: 'completed',
      content: [{ type: 'input_text', text: 'be brief' }],
    },
    { type: 'message', role: 'user', status: 'completed', content: [{ type: 'input_text', text: 'a' }] },
    { type: 'message', role: 'assistant', status: 'completed', content: [output('b')] },
    { type: 'function_call', call_id: 'c', name: 'n', arguments: '{}', status: 'completed' },
    { type: 'function_call_output', call_id: 'c', output: 'x', status: 'completed' },
    { type: 'reasoning', summary: [] },
    { type: 'message', role: 'user', status: 'completed', content: [{ type: 'input_text', text: 'd' }] },
  ])
  const ids = input.map(({ id }) => id)
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids.map((id) => id.replace(/_[0-9a-f]{32}$/, ''))).toEqual([
    'msg',
    'msg',
    'msg',
    'fc',
    'fc',
    'rs',
    'msg',
  ])
})

const nothingKnown = { chain: () => undefined, item: () => undefined, images }

function translate(body: Partial<CreateResponse>) {
  return fromResponsesRequest(create(body), nothingKnown)
}

async function refusalOf(body: Partial<CreateResponse>): Promise<ClinvkError> {
  const failure = await translate(body).then(
    () => undefined,
    (error: unknown) => error,
  )
  if (failure instanceof ClinvkError) return failure
  throw new Error(`It was not refused: ${String(failure)}`)
}

function output(said: string) {
  return { type: 'output_text', text: said, annotations: [], logprobs: [] }
}
