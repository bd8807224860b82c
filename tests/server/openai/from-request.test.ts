import { describe, expect, test } from 'bun:test'
import type { HistoryMessage } from '../../../src/agents/messages.ts'
import { ClinvkError } from '../../../src/errors.ts'
import { createImageReader } from '../../../src/server/chat/images.ts'
import type { ChatTurn } from '../../../src/server/chat/types.ts'
import { CUSTOM_SCHEMA } from '../../../src/server/openai/custom-tools.ts'
import { fromChatRequest } from '../../../src/server/openai/from-request.ts'
import { ChatCompletionRequest } from '../../../src/server/openai/request-schema.ts'
import { createCheck } from '../../../src/server/validate.ts'

const images = createImageReader({ fetchImages: false })
const check = createCheck(ChatCompletionRequest)
/** As a route does it: checked, then translated. */
const translate = async (body: object) =>
  fromChatRequest(check({ model: 'm', messages: [{ role: 'user', content: 'hi' }], ...body }), images)

const PNG = 'data:image/png;base64,AAAA'
const png = { type: 'image', mediaType: 'image/png', data: 'AAAA' } as const
const said = (text: string): HistoryMessage => ({ role: 'user', parts: [{ type: 'text', text }] })
const answered = (text: string): HistoryMessage => ({ role: 'assistant', text, toolCalls: [] })

const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
const WEATHER = { type: 'function', function: { name: 'get_weather', description: 'Tells.', parameters } }
const weather = { name: 'get_weather', description: 'Tells.', inputSchema: parameters }
const grammar = { syntax: 'lark', definition: 'start: /x/' }
const NOTE = {
  type: 'custom',
  custom: { name: 'note', description: 'Notes.', format: { type: 'grammar', grammar } },
}
const note = {
  name: 'note',
  description: 'Notes.\n\nThe input has to fit this lark grammar:\nstart: /x/',
  inputSchema: CUSTOM_SCHEMA,
}

describe('fromChatRequest', () => {
  test('translates the least that there can be', async () => {
    expect(await translate({})).toEqual({ model: 'm', messages: [said('hi')], withoutEffect: [] })
  })

  const conversations: [title: string, messages: object[], turn: Partial<ChatTurn>][] = [
    [
      'instructions of every kind and place as the system prompt',
      [
        { role: 'system', content: 'a' },
        {
          role: 'developer',
          content: [
            { type: 'text', text: 'b' },
            { type: 'text', text: 'c' },
          ],
        },
        { role: 'user', content: 'hi' },
        { role: 'system', content: 'd' },
        { role: 'system', content: '' },
      ],
      { system: 'a\n\nb\nc\n\nd', messages: [said('hi')] },
    ],
    ['instructions alone as the prompt', [{ role: 'system', content: 'a' }], { messages: [said('a')] }],
    [
      'parts of every kind',
      [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'a' },
            { type: 'image_url', image_url: { url: PNG, detail: 'low' } },
            { type: 'image_url', image_url: PNG },
            { type: 'file', file: { file_data: 'data:application/pdf;base64,AAAA', filename: 'f.pdf' } },
            { type: 'file', file: { file_data: 'data:text/plain;base64,aGk=', filename: null } },
          ],
        },
      ],
      {
        messages: [
          {
            role: 'user',
            parts: [
              { type: 'text', text: 'a' },
              png,
              png,
              { type: 'document', mediaType: 'application/pdf', data: 'AAAA', name: 'f.pdf' },
              { type: 'text', text: 'hi' },
            ],
          },
        ],
      },
    ],
    [
      'answers as text, parts or refusals',
      [
        { role: 'assistant', content: 'a' },
        {
          role: 'assistant',
          content: [
            { type: 'text', text: 'b' },
            { type: 'refusal', refusal: 'c' },
          ],
        },
        { role: 'assistant', content: null, refusal: 'd' },
        { role: 'assistant' },
        { role: 'user', content: 'hi' },
      ],
      { messages: [answered('a'), answered('b\nc'), answered('d'), answered(''), said('hi')] },
    ],
    [
      'calls and results, with images in these',
      [
        { role: 'user', content: 'hi' },
        {
          role: 'assistant',
          content: null,
          tool_calls: [
            { id: '1', type: 'function', function: { name: 'f', arguments: '{"a":[1]}' } },
            { id: '2', function: { name: 'g', arguments: '' } },
          ],
        },
        { role: 'tool', tool_call_id: '1', content: 'one' },
        { role: 'tool', tool_call_id: '2', content: [{ type: 'image_url', image_url: { url: PNG } }] },
      ],
      {
        messages: [
          said('hi'),
          {
            role: 'assistant',
            text: '',
            toolCalls: [
              { id: '1', name: 'f', input: { a: [1] } },
              { id: '2', name: 'g', input: {} },
            ],
          },
          { role: 'tool', callId: '1', parts: [{ type: 'text', text: 'one' }], isError: false },
          { role: 'tool', callId: '2', parts: [png], isError: false },
        ],
      },
    ],
    [
      'calls in the older form',
      [
        { role: 'assistant', content: '', function_call: { name: 'f', arguments: '{}' } },
        { role: 'function', name: 'f', content: 'one' },
        { role: 'user', content: 'hi' },
      ],
      {
        messages: [
          { role: 'assistant', text: '', toolCalls: [{ id: 'call_0', name: 'f', input: {} }] },
          { role: 'tool', callId: 'call_0', parts: [{ type: 'text', text: 'one' }], isError: false },
          said('hi'),
        ],
      },
    ],
  ]
  test.each(conversations)('translates %s', async (_, messages, turn) => {
    expect(await translate({ messages })).toEqual({ model: 'm', withoutEffect: [], ...turn } as ChatTurn)
  })

  const options: [body: object, turn: Partial<ChatTurn>][] = [
    [{ stop: 'x' }, { stop: ['x'] }],
    [{ stop: ['x', '', 'y'] }, { stop: ['x', 'y'] }],
    [{ stop: [] }, {}],
    [{ max_tokens: 5 }, { maxTokens: 5, maxTokensField: 'max_tokens' }],
    [
      { max_tokens: 5, max_completion_tokens: 6 },
      { maxTokens: 6, maxTokensField: 'max_completion_tokens' },
    ],
    [{ reasoning_effort: 'high' }, { effort: 'high', effortField: 'reasoning_effort' }],
    [{ metadata: { a: 'b' }, user: 'ann' }, { metadata: { a: 'b' } }],
    [
      { temperature: 0, top_p: 1, seed: 5, top_k: 3 },
      { withoutEffect: ['temperature', 'top_p', 'seed', 'top_k'] },
    ],
    [{ n: 1, logprobs: false, top_logprobs: 0, modalities: ['text'], response_format: { type: 'text' } }, {}],
    [{ tools: [], tool_choice: 'auto', functions: [], function_call: 'none' }, {}],
    [{ tools: [WEATHER], tool_choice: 'none' }, {}],
    [{ tools: [WEATHER] }, { tools: [weather] }],
    [
      { tools: [WEATHER], tool_choice: 'required' },
      { tools: [weather], toolChoice: 'required' },
    ],
    [
      { tools: [WEATHER, NOTE], tool_choice: { type: 'function', function: { name: 'get_weather' } } },
      { tools: [weather, note], toolChoice: { name: 'get_weather' } },
    ],
    [
      { tools: [WEATHER, NOTE], tool_choice: { type: 'custom', custom: { name: 'note' } } },
      { tools: [weather, note], toolChoice: { name: 'note' } },
    ],
    [
      {
        tools: [WEATHER, NOTE],
        tool_choice: {
          type: 'allowed_tools',
          allowed_tools: { mode: 'required', tools: [{ type: 'custom', custom: { name: 'note' } }] },
        },
      },
      { tools: [note], toolChoice: 'required' },
    ],
    [
      { tools: [WEATHER], parallel_tool_calls: false },
      { tools: [weather], serialCalls: true },
    ],
    [{ response_format: { type: 'json_object' } }, { answer: { schema: { type: 'object' }, strict: false } }],
    [
      { response_format: { type: 'json_schema', json_schema: { name: 'n', schema: { type: 'array' } } } },
      { answer: { schema: { type: 'array' }, strict: true } },
    ],
    [{ zzz: { deep: [1] }, chat_template_kwargs: null }, {}],
  ]
  test.each(options)('translates %p', async (body, turn) => {
    expect(await translate(body)).toEqual({ model: 'm', messages: [said('hi')], withoutEffect: [], ...turn })
  })

  test('takes null for every field that may be left out', async () => {
    const { model: _, messages: __, ...rest } = ChatCompletionRequest.properties
    const nulls = Object.fromEntries(Object.keys(rest).map((name) => [name, null]))
    expect(await translate(nulls)).toEqual({ model: 'm', messages: [said('hi')], withoutEffect: [] })
  })

  const refused: [body: object, param: string][] = [
    [{ n: 2 }, 'n'],
    [{ logprobs: true }, 'logprobs'],
    [{ top_logprobs: 3 }, 'top_logprobs'],
    [{ modalities: ['text', 'audio'] }, 'modalities'],
    [{ audio: { voice: 'x' } }, 'audio'],
    [{ functions: [{ name: 'f' }] }, 'functions'],
    [{ function_call: { name: 'f' } }, 'function_call'],
    [{ web_search_options: {} }, 'web_search_options'],
    [
      { messages: [{ role: 'user', content: [{ type: 'input_audio', input_audio: {} }] }] },
      'messages[0].content[0].input_audio',
    ],
    [
      { messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'x' } }] }] },
      'messages[0].content[0].file',
    ],
  ]
  test.each(refused)('refuses %p, which would change the answer', async (body, param) => {
    const error = await failure(translate(body))
    expect(error.code).toBe('unsupported_option')
    expect(error.details['param']).toBe(param)
  })

  const call = { id: '1', function: { name: 'f', arguments: '{}' } }
  const wrong: [body: object, path: string][] = [
    [{ tool_choice: 'required' }, 'tool_choice'],
    [
      { tools: [WEATHER], tool_choice: { type: 'function', function: { name: 'f' } } },
      'tool_choice.function.name',
    ],
    [{ tools: [WEATHER, WEATHER] }, 'tools[1].function.name'],
    [{ tools: [{ type: 'function', function: { name: 'no dots.' } }] }, 'tools[0].function.name'],
    [{ tools: [{ type: 'function', function: { name: 'x'.repeat(65) } }] }, 'tools[0].function.name'],
    [
      { tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'array' } } }] },
      'tools[0].function',
    ],
    [
      {
        tools: [
          { type: 'function', function: { name: 'f', parameters: { properties: { a: { type: 'no' } } } } },
        ],
      },
      'tools[0].function',
    ],
    [{ tools: [{ type: 'web_search' }] }, 'tools[0].type'],
    [{ response_format: { type: 'json_schema', json_schema: {} } }, 'response_format.json_schema.schema'],
    [{ model: undefined }, 'model'],
    [{ model: '' }, 'model'],
    [{ model: null }, 'model'],
    [{ messages: undefined }, 'messages'],
    [{ messages: [] }, 'messages'],
    [{ messages: 'hi' }, 'messages'],
    [{ stop: ['a', 'b', 'c', 'd', 'e'] }, 'stop'],
    [{ stream: 'yes' }, 'stream'],
    [{ max_tokens: 0 }, 'max_tokens'],
    [{ messages: [{ role: 'user', content: null }] }, 'messages[0].content'],
    [
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'x' } }] }] },
      'messages[0].content[0].image_url.url',
    ],
    [
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: 'x' }] }] },
      'messages[0].content[0].image_url',
    ],
    [
      { messages: [{ role: 'system', content: [{ type: 'image_url', image_url: PNG }] }] },
      'messages[0].content[0].type',
    ],
    [{ messages: [{ role: 'tool', tool_call_id: '1', content: 'x' }] }, 'messages[0].tool_call_id'],
    [{ messages: [{ role: 'function', name: 'f', content: 'x' }] }, 'messages[0].name'],
    [
      {
        messages: [
          { role: 'assistant', tool_calls: [call, call] },
          { role: 'tool', tool_call_id: '1', content: 'x' },
        ],
      },
      'messages[0].tool_calls[1].id',
    ],
    [
      {
        messages: [
          { role: 'assistant', tool_calls: [call] },
          { role: 'tool', tool_call_id: '1', content: 'x' },
          { role: 'tool', tool_call_id: '1', content: 'x' },
        ],
      },
      'messages[2].tool_call_id',
    ],
    [
      {
        messages: [
          { role: 'assistant', function_call: { name: 'f', arguments: '' } },
          { role: 'function', name: 'f', content: 'x' },
          { role: 'function', name: 'f', content: 'x' },
        ],
      },
      'messages[2].name',
    ],
  ]
  test('takes a file in bare base64, and one without a type, by its name', async () => {
    const file = (file_data: string, filename?: string) => ({ type: 'file', file: { file_data, filename } })
    const content = [
      file('AAAA'),
      file('aGk=', 'a.py'),
      file('data:application/octet-stream;base64,aGk=', 'b.yaml'),
    ]
    const { messages } = await translate({ messages: [{ role: 'user', content }] })
    expect(messages).toEqual([
      {
        role: 'user',
        parts: [
          { type: 'document', mediaType: 'application/pdf', data: 'AAAA' },
          { type: 'text', text: 'a.py:\n\nhi' },
          { type: 'text', text: 'b.yaml:\n\nhi' },
        ],
      },
    ])
  })

  test('drops nothing of an earlier answer in silence', async () => {
    const user = { role: 'user', name: 'ann', content: 'x' }
    const answer = { role: 'assistant', content: 'a', refusal: 'b' }
    const { messages, withoutEffect } = await translate({ messages: [user, answer, user] })
    expect(messages[1]).toEqual({ role: 'assistant', text: 'a\nb', toolCalls: [] })
    expect(withoutEffect).toEqual(['messages.name'])
    const spoken = { role: 'assistant', audio: { id: 'a' } }
    expect((await failure(translate({ messages: [user, spoken, user] }))).details['param']).toBe(
      'messages[1].audio',
    )
  })

  test.each(wrong)('refuses %p, naming the field', async (body, path) => {
    const error = await failure(translate(body))
    expect(error.code).toBe('invalid_request')
    expect(error.details['errors']).toMatchObject([{ path }])
  })
})

async function failure(promise: Promise<unknown>): Promise<ClinvkError> {
  const outcome = await promise.catch((error: unknown) => error)
  if (outcome instanceof ClinvkError) return outcome
  throw new Error(`expected a ClinvkError, got ${Bun.inspect(outcome)}`)
}
