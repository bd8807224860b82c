import { type Static, Type } from '@sinclair/typebox'
import { MOST_TOOLS } from '../chat/client-tools.ts'
import { maybe, open, words } from './fields.ts'
import { ToolChoice, ToolDefinition } from './tool-schema.ts'

const text = (description: string) => Type.String({ description })
const unused = (description = 'Without effect.') => Type.Optional(Type.Unknown({ description }))
const literal = <const T extends string>(value: T, description: string) =>
  Type.Literal(value, { description })

const TextPart = open(
  { type: literal('text', 'What the part is.'), text: text('The text.') },
  { description: 'Text.' },
)
const RefusalPart = open(
  { type: literal('refusal', 'What the part is.'), refusal: text('The words of the refusal.') },
  { description: "An answer's refusal." },
)
const ImagePart = open(
  {
    type: literal('image_url', 'What the part is.'),
    image_url: Type.Union(
      [
        Type.String(),
        open(
          {
            url: text('A data: URL; an http(s) one where the server is configured to fetch it.'),
            detail: maybe(Type.String(), 'Without effect.'),
          },
          { description: 'Where the image is.' },
        ),
      ],
      { description: 'The image.' },
    ),
  },
  { description: 'An image: PNG, JPEG, GIF or WebP.' },
)
const FilePart = open(
  {
    type: literal('file', 'What the part is.'),
    file: open(
      {
        file_data: maybe(Type.String(), 'The file, in base64 or as a data: URL.'),
        file_id: maybe(Type.String(), 'Refused: the server keeps no files.'),
        filename: maybe(Type.String(), "The file's name."),
      },
      { description: 'The file.' },
    ),
  },
  { description: 'A file: PDF, text or image.' },
)
const AudioPart = open(
  {
    type: literal('input_audio', 'What the part is.'),
    input_audio: Type.Unknown({ description: 'Refused.' }),
  },
  { description: 'Refused: no agent listens.' },
)

const Content = Type.Union(
  [Type.String(), Type.Array(Type.Union([TextPart, RefusalPart, ImagePart, FilePart, AudioPart]))],
  { description: 'What it says: a text, or a list of parts.' },
)
export type Content = Static<typeof Content>
export type ContentPart = Exclude<Content, string>[number]

const name = maybe(Type.String(), 'Who speaks. Without effect.')

const Instructions = open(
  { role: words(['system', 'developer'], 'Who speaks.'), content: Content, name },
  { description: 'Instructions. All of them together are the system prompt.' },
)
const User = open(
  { role: literal('user', 'Who speaks.'), content: Content, name },
  { description: 'What the user said.' },
)

const ToolCall = Type.Union(
  [
    open(
      {
        id: text('Id of the call.'),
        type: maybe(literal('function', 'function.'), 'function.'),
        function: open(
          { name: text('The function.'), arguments: text('Its arguments, in JSON.') },
          { description: 'What was called.' },
        ),
      },
      { description: 'A call.' },
    ),
    open(
      {
        id: text('Id of the call.'),
        type: literal('custom', 'custom.'),
        custom: open(
          { name: text('The tool.'), input: text('Its input.') },
          { description: 'What was called.' },
        ),
      },
      { description: 'A call of a tool that takes a text.' },
    ),
  ],
  { description: 'A call.' },
)
const Assistant = open(
  {
    role: literal('assistant', 'Who speaks.'),
    content: maybe(Content, 'What the model answered.'),
    refusal: maybe(Type.String(), 'The words of a refusal.'),
    audio: unused('Refused: no answer is ever spoken.'),
    tool_calls: maybe(Type.Array(ToolCall), 'The functions that the model called.'),
    function_call: maybe(
      open(
        { name: text('The function.'), arguments: text('Its arguments, in JSON.') },
        { description: 'What was called.' },
      ),
      'The function that the model called, in the older form.',
    ),
    name,
  },
  { description: 'What the model answered.' },
)
const Tool = open(
  {
    role: literal('tool', 'Who speaks.'),
    content: Content,
    tool_call_id: text('Id of the call that this is the result of.'),
  },
  { description: 'What a function gave back.' },
)
const FunctionResult = open(
  {
    role: literal('function', 'Who speaks.'),
    content: maybe(Type.String(), 'The result.'),
    name: text('The function.'),
  },
  { description: 'What a function gave back, in the older form.' },
)

export const ChatMessage = Type.Union([Instructions, User, Assistant, Tool, FunctionResult], {
  $id: 'ChatMessage',
  description: 'One message of the conversation.',
})
export type ChatMessage = Static<typeof ChatMessage>

const EFFORTS = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const
const whole = Type.Integer({ minimum: 1 })

/** Body of `POST /chat/completions`. What is not named here is ignored. */
export const ChatCompletionRequest = open(
  {
    model: Type.String({
      minLength: 1,
      description:
        "A backend's name, backend/model, backend:model, a model's id that a backend lists or whose family is known, or an alias.",
    }),
    messages: Type.Optional(
      Type.Array(ChatMessage, { maxItems: 100_000, description: 'The conversation. It must be there.' }),
    ),
    input: Type.Optional(
      Type.Unknown({
        description:
          'Where there are no messages, the whole body is read as the Responses API reads it, and answered as a chat. Cursor sends such bodies.',
      }),
    ),
    instructions: maybe(Type.String(), 'System prompt that goes with input.'),
    stream: maybe(Type.Boolean(), 'Whether the answer is streamed.'),
    stream_options: maybe(
      open(
        {
          include_usage: maybe(Type.Boolean(), 'Whether the last chunk tells the tokens.'),
          include_obfuscation: maybe(Type.Boolean(), 'Without effect.'),
        },
        { description: 'Options of a stream.' },
      ),
      'Options of a stream.',
    ),
    max_completion_tokens: maybe(whole, 'Tokens that the answer may have, where the backend can limit them.'),
    max_tokens: maybe(whole, 'The same, in the older form.'),
    stop: maybe(
      Type.Union([
        Type.String({ description: 'One.' }),
        Type.Array(Type.String(), { maxItems: 4, description: 'Up to four.' }),
      ]),
      'Texts at which the answer ends, without them.',
    ),
    reasoning_effort: maybe(words(EFFORTS), 'How hard the model thinks, where the backend can be told.'),
    n: maybe(Type.Integer({ minimum: 1 }), 'Answers to give: 1. More are refused.'),
    metadata: maybe(
      Type.Record(Type.String(), Type.Unknown()),
      'Data of your own. It never reaches the agent.',
    ),
    user: maybe(Type.String(), 'Accepted.'),
    tools: maybe(
      Type.Array(ToolDefinition, { maxItems: MOST_TOOLS }),
      'Functions that the model may call. The client carries the calls out.',
    ),
    tool_choice: maybe(
      ToolChoice,
      'Whether the model may call, must, or must call just one; "required" and names where the backend can make it.',
    ),
    parallel_tool_calls: maybe(Type.Boolean(), 'false: calls come one at a time.'),
    functions: maybe(Type.Array(Type.Unknown()), 'Refused where there are any: send tools.'),
    function_call: unused('Refused, but for none, auto and null: send tool_choice.'),
    response_format: maybe(
      Type.Union([
        open({ type: literal('text', 'Any text.') }, { description: 'Text.' }),
        open({ type: literal('json_object', 'A JSON object.') }, { description: 'JSON.' }),
        open(
          {
            type: literal('json_schema', 'JSON that fits a schema.'),
            json_schema: open(
              {
                name: maybe(Type.String(), 'Its name. Without effect.'),
                description: maybe(Type.String(), 'What it is for. Without effect.'),
                schema: Type.Record(Type.String(), Type.Unknown(), { description: 'The JSON Schema.' }),
                strict: maybe(
                  Type.Boolean(),
                  'Without effect: an answer that does not fit is always an error.',
                ),
              },
              { description: 'The schema.' },
            ),
          },
          { description: 'JSON that fits a schema.' },
        ),
      ]),
      'Form of the answer.',
    ),
    logprobs: maybe(Type.Boolean(), 'Refused where it is true.'),
    top_logprobs: maybe(Type.Integer({ minimum: 0 }), 'Refused where it is more than 0.'),
    modalities: maybe(Type.Array(Type.String()), 'Only text; others are refused.'),
    audio: unused('Refused: no agent speaks.'),
    web_search_options: unused('Refused: an agent searches when it wants to.'),
    temperature: maybe(Type.Number(), 'Without effect.'),
    top_p: maybe(Type.Number(), 'Without effect.'),
    seed: maybe(Type.Integer(), 'Without effect.'),
    presence_penalty: maybe(Type.Number(), 'Without effect.'),
    frequency_penalty: maybe(Type.Number(), 'Without effect.'),
    logit_bias: maybe(Type.Record(Type.String(), Type.Number()), 'Without effect.'),
    verbosity: maybe(Type.String(), 'Without effect.'),
    prediction: unused(),
    service_tier: unused(),
    store: maybe(Type.Boolean(), 'Without effect: nothing is stored.'),
    prompt_cache_key: unused(),
    prompt_cache_options: unused(),
    prompt_cache_retention: unused(),
    moderation: unused(),
    safety_identifier: unused(),
  },
  { $id: 'ChatCompletionRequest', description: 'A chat. Fields that are not named here are ignored.' },
)
export type ChatCompletionRequest = Static<typeof ChatCompletionRequest>
