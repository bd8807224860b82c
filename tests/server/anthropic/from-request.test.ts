import { describe, expect, test } from 'bun:test'
import { thinkingView } from '../../../src/server/anthropic/from-request.ts'
import { refusal, translate } from './support.ts'

describe('fromMessagesRequest', () => {
  test('translates what every request has', async () => {
    expect(await translate({})).toEqual({
      model: 'fake',
      messages: [{ role: 'user', parts: [{ type: 'text', text: 'hi' }] }],
      maxTokens: 100,
      maxTokensField: 'max_tokens',
      withoutEffect: [],
    })
  })

  test('takes system as a text, as blocks, and from messages, in that order', async () => {
    const blocks = [
      { type: 'text', text: 'one', cache_control: { type: 'ephemeral' } },
      { type: 'text', text: 'two' },
    ]
    const messages = [
      { role: 'user', content: 'hi' },
      { role: 'system', content: 'three' },
      { role: 'system', content: [{ type: 'text', text: 'four' }] },
    ]
    expect(await translate({ system: 'one' })).toMatchObject({ system: 'one' })
    expect(await translate({ system: blocks, messages })).toMatchObject({
      system: 'one\n\ntwo\n\nthree\n\nfour',
      messages: [{ role: 'user', parts: [{ type: 'text', text: 'hi' }] }],
    })
    expect(await translate({ system: '' })).not.toHaveProperty('system')
  })

  test('leaves what the system says behind an answer where it is', async () => {
    const reminder = (text: string) => ({
      type: 'text',
      text: `<system-reminder>\n${text}\n</system-reminder>`,
    })
    const messages = [
      { role: 'user', content: 'hi' },
      { role: 'system', content: 'one' },
      { role: 'assistant', content: 'yes?' },
      { role: 'user', content: 'go' },
      { role: 'system', content: [{ type: 'text', text: 'two' }] },
      { role: 'system', content: '' },
    ]
    expect(await translate({ messages })).toMatchObject({
      system: 'one',
      messages: [
        { role: 'user', parts: [{ type: 'text', text: 'hi' }] },
        { role: 'assistant', text: 'yes?' },
        { role: 'user', parts: [{ type: 'text', text: 'go' }] },
        { role: 'user', parts: [reminder('two')] },
      ],
    })
  })

  const efforts: [object, string | undefined][] = [
    [{}, undefined],
    [{ thinking: { type: 'adaptive' } }, undefined],
    [{ thinking: { type: 'between_tools' } }, undefined],
    [{ thinking: { type: 'disabled' } }, 'none'],
    [{ thinking: { type: 'enabled', budget_tokens: 1024 } }, 'low'],
    [{ thinking: { type: 'enabled', budget_tokens: 4096 } }, 'medium'],
    [{ thinking: { type: 'enabled', budget_tokens: 16_384 } }, 'high'],
    [{ thinking: { type: 'enabled', budget_tokens: 32_768 } }, 'xhigh'],
    [{ output_config: { effort: 'max' } }, 'max'],
    [{ thinking: { type: 'adaptive' }, output_config: { effort: 'low' } }, 'low'],
    [{ thinking: { type: 'enabled', budget_tokens: 1024 }, output_config: { effort: 'high' } }, 'high'],
    [{ thinking: { type: 'disabled' }, output_config: { effort: 'high' } }, 'none'],
  ]
  for (const [body, effort] of efforts)
    test(`takes ${JSON.stringify(body)} for ${effort ?? 'no'} effort`, async () => {
      expect((await translate(body)).effort as string | undefined).toBe(effort)
    })

  test('names the field that asked for the effort', async () => {
    const field = async (body: object) => (await translate(body)).effortField
    expect(await field({ thinking: { type: 'enabled', budget_tokens: 1024 } })).toBe('thinking')
    expect(await field({ output_config: { effort: 'low' } })).toBe('output_config.effort')
    expect(await field({})).toBeUndefined()
  })

  test('passes stop sequences and metadata on', async () => {
    expect(
      await translate({ stop_sequences: ['END', '\n\n'], metadata: { user_id: 'u', more: 1 } }),
    ).toMatchObject({ stop: ['END', '\n\n'], metadata: { user_id: 'u', more: 1 } })
  })

  test('names what was sent and changes nothing', async () => {
    const body = { temperature: 0, top_p: 0.5, top_k: null, service_tier: 'auto', speed: 'fast' }
    expect((await translate(body)).withoutEffect).toEqual(['temperature', 'top_p', 'service_tier', 'speed'])
  })

  test('takes null for not set, and ignores what it does not know', async () => {
    const nulls = Object.fromEntries(
      ['system', 'stream', 'stop_sequences', 'thinking', 'tools', 'tool_choice', 'metadata'].map((name) => [
        name,
        null,
      ]),
    )
    const body = {
      ...nulls,
      output_config: { effort: null, format: null },
      container: null,
      thread: null,
      betas: ['x'],
    }
    expect(await translate(body)).toEqual(await translate({}))
  })

  test('accepts tools that are not to be used', async () => {
    expect(await translate({ tools: [] })).toMatchObject({ model: 'fake' })
    expect(await translate({ tools: [{ name: 'f' }], tool_choice: { type: 'none' } })).toMatchObject({
      model: 'fake',
    })
  })

  const refused: [string, object][] = [
    ['tools[0].type', { tools: [{ type: 'web_search_20250305', name: 'web_search' }] }],
    [
      'tools[1].type',
      {
        tools: [
          { name: 'f', input_schema: {} },
          { type: 'bash_20250124', name: 'bash' },
        ],
      },
    ],
    ['mcp_servers', { mcp_servers: [{ type: 'url' }] }],
    ['container', { container: 'c' }],
    ['thread', { thread: { type: 'create' } }],
  ]
  for (const [field, body] of refused)
    test(`refuses ${JSON.stringify(body)}, and says so`, async () => {
      const { message, code } = await refusal(body)
      expect(message).toStartWith(`${field} `)
      expect(code).toBe('unsupported_option')
    })

  const f = {
    name: 'f',
    description: 'F.',
    input_schema: { type: 'object' },
    cache_control: { type: 'ephemeral' },
  }
  const offered = [{ name: 'f', description: 'F.', inputSchema: { type: 'object' } }]
  const schema = { type: 'object', properties: { a: { type: 'string' } } }
  const translated: [object, object][] = [
    [{ tools: [f] }, { tools: offered }],
    [{ tools: [{ ...f, type: 'custom' }], tool_choice: { type: 'auto' } }, { tools: offered }],
    [
      { tools: [f], tool_choice: { type: 'any' } },
      { tools: offered, toolChoice: 'required' },
    ],
    [
      { tools: [f], tool_choice: { type: 'tool', name: 'f' } },
      { tools: offered, toolChoice: { name: 'f' } },
    ],
    [
      { tools: [f], tool_choice: { type: 'auto', disable_parallel_tool_use: true } },
      { tools: offered, serialCalls: true },
    ],
    [{ output_config: { format: { type: 'json_schema', schema } } }, { answer: { schema, strict: true } }],
    [{ output_format: { type: 'json_schema', schema } }, { answer: { schema, strict: true } }],
  ]
  for (const [body, turn] of translated)
    test(`translates ${JSON.stringify(body)}`, async () => {
      expect(await translate(body)).toMatchObject(turn)
    })

  test('offers a deferred tool once a result has referred to it', async () => {
    const tools = [f, ...['g', 'h'].map((name) => ({ ...f, name, defer_loading: true }))]
    const call = { type: 'tool_use', id: 'a', name: 'f', input: {} }
    const found = [{ type: 'tool_reference', tool_name: 'h' }]
    const messages = [
      { role: 'user', content: 'hi' },
      { role: 'assistant', content: [call] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a', content: found }] },
    ]
    expect((await translate({ tools })).tools?.map(({ name }) => name)).toEqual(['f'])
    expect((await translate({ tools, messages })).tools?.map(({ name }) => name)).toEqual(['f', 'h'])
  })

  const wrong: [string, object][] = [
    ['tool_choice needs tools to choose from, and there are none.', { tool_choice: { type: 'any' } }],
    [
      'tool_choice.name names "g", which is none of the tools.',
      { tools: [f], tool_choice: { type: 'tool', name: 'g' } },
    ],
    ['tools[0].input_schema is missing: expected an object.', { tools: [{ name: 'f' }] }],
    ['tools[1].name is the name of another tool, too.', { tools: [f, f] }],
    ['tools[0].name must be 1 to 128 letters, digits, _ and -.', { tools: [{ ...f, name: 'a b' }] }],
    ['max_tokens is missing: expected a whole number from 1 to 1000000000.', { max_tokens: undefined }],
    ['max_tokens is 0, expected a whole number from 1 to 1000000000.', { max_tokens: 0 }],
    ['model is an object, expected a text that is not empty.', { model: {} }],
    ['messages is missing: expected a list of 100000 at most.', { messages: undefined }],
    [
      'messages[0].role is "tool", expected one of "user", "assistant", "system".',
      { messages: [{ role: 'tool', content: 'x' }] },
    ],
    ['messages[0].content is 1, expected a text or a list.', { messages: [{ role: 'user', content: 1 }] }],
    [
      'messages[0].content[0].text is missing: expected a text.',
      { messages: [{ role: 'user', content: [{ type: 'text' }] }] },
    ],
    ['stop_sequences[0] is 1, expected a text of 1 to 1000 characters.', { stop_sequences: [1] }],
    [
      'thinking.budget_tokens is missing: expected a whole number, 1 or more.',
      { thinking: { type: 'enabled' } },
    ],
    ['temperature is "hot", expected a number.', { temperature: 'hot' }],
  ]
  for (const [message, body] of wrong)
    test(`tells that ${message}`, async () => {
      expect(await refusal(body)).toEqual({ message, code: 'invalid_request' })
    })

  test('names the kinds of blocks where one is not known', async () => {
    const { message } = await refusal({ messages: [{ role: 'user', content: [{ type: 'video' }] }] })
    expect(message).toStartWith('messages[0].content[0].type is "video", expected one of "text", "image", ')
  })
})

describe('thinkingView', () => {
  test('shows thinking only to those who ask for it', () => {
    expect(thinkingView(undefined)).toBe('hidden')
    expect(thinkingView(null)).toBe('hidden')
    expect(thinkingView({ type: 'disabled' })).toBe('hidden')
    expect(thinkingView({ type: 'adaptive' })).toBe('shown')
    expect(thinkingView({ type: 'between_tools' })).toBe('shown')
    expect(thinkingView({ type: 'enabled', budget_tokens: 1024, display: 'summarized' })).toBe('shown')
    expect(thinkingView({ type: 'adaptive', display: 'omitted' })).toBe('omitted')
  })

  test('shows it to Claude Code, which asks for updates', async () => {
    const thinking = { type: 'adaptive', display: 'updates' } as const
    expect(await translate({ thinking })).toMatchObject({ model: 'fake' })
    expect(thinkingView(thinking)).toBe('shown')
  })
})
