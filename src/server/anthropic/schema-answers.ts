import { type Static, Type } from '@sinclair/typebox'
import { AnthropicError } from './errors.ts'

const nullable = (schema: ReturnType<typeof Type.String>, description: string) =>
  Type.Union([schema, Type.Null()], { description })
const tokens = (description: string) => Type.Union([Type.Integer(), Type.Null()], { description })
const nothing = Type.Null({ description: 'Always null.' })

export const Usage = Type.Object(
  {
    input_tokens: Type.Integer({
      description: 'Tokens that the model read, without those of the cache. 0 where the agent tells none.',
    }),
    cache_creation_input_tokens: tokens('Tokens that were written to the cache, where the agent tells them.'),
    cache_read_input_tokens: tokens('Tokens that came from the cache, where the agent tells them.'),
    cache_creation: nothing,
    output_tokens: Type.Integer({
      description: 'Tokens that the model wrote, thinking included. 0 where the agent tells none.',
    }),
    output_tokens_details: Type.Union(
      [
        Type.Object(
          { thinking_tokens: Type.Integer({ description: 'The part that was thinking.' }) },
          { description: 'What they were.' },
        ),
        Type.Null(),
      ],
      { description: 'What output_tokens were, where the agent tells it.' },
    ),
    server_tool_use: nothing,
    service_tier: Type.Literal('standard', { description: 'Always standard.' }),
    inference_geo: nothing,
    speed: nothing,
  },
  { $id: 'AnthropicUsage', description: 'Tokens of the whole turn, as the agent tells them.' },
)
export type Usage = Static<typeof Usage>

const ContentBlock = Type.Union(
  [
    Type.Object(
      {
        type: Type.Literal('thinking', { description: 'Kind of block.' }),
        thinking: Type.String({ description: 'The thoughts.' }),
        signature: Type.String({ description: 'Opaque.' }),
      },
      { description: "The model's thinking, where the request asks for it." },
    ),
    Type.Object(
      {
        type: Type.Literal('text', { description: 'Kind of block.' }),
        text: Type.String({ description: 'The text.' }),
      },
      { description: 'Text of the answer.' },
    ),
    Type.Object(
      {
        type: Type.Literal('tool_use', { description: 'Kind of block.' }),
        id: Type.String({ description: 'Id of the call, which its tool_result has to name.' }),
        name: Type.String({ description: 'The tool.' }),
        input: Type.Unknown({ description: 'What it is given.' }),
      },
      { description: "A call of one of the request's tools, which the client has to answer." },
    ),
  ],
  { description: 'A piece of the answer.' },
)
export type ContentBlock = Static<typeof ContentBlock>

const StopReason = Type.Union(
  (['end_turn', 'max_tokens', 'stop_sequence', 'tool_use', 'pause_turn', 'refusal'] as const).map((word) =>
    Type.Literal(word),
  ),
  { description: 'Why the answer ended.' },
)
export type StopReason = Static<typeof StopReason>

/** The JSON answer to `POST /messages`. */
export const MessageAnswer = Type.Object(
  {
    id: Type.String({ description: 'Id of the answer.' }),
    type: Type.Literal('message', { description: 'Always message.' }),
    role: Type.Literal('assistant', { description: 'Always assistant.' }),
    model: Type.String({ description: 'The model as the request names it.' }),
    content: Type.Array(ContentBlock, { description: 'The answer.' }),
    stop_reason: Type.Union([StopReason, Type.Null()], { description: 'Null at the start of a stream.' }),
    stop_sequence: nullable(Type.String(), 'The one of stop_sequences that ended the answer.'),
    stop_details: nothing,
    container: nothing,
    diagnostics: nothing,
    usage: Usage,
  },
  { $id: 'AnthropicMessage', description: 'An answer.' },
)
export type MessageAnswer = Static<typeof MessageAnswer>

/** The data of an event of a streamed answer. */
export const MessageStreamEvent = Type.Union(
  [
    Type.Object(
      {
        type: Type.Union(
          (
            [
              'message_start',
              'content_block_start',
              'ping',
              'content_block_delta',
              'content_block_stop',
              'message_delta',
              'message_stop',
            ] as const
          ).map((word) => Type.Literal(word)),
          { description: 'What happened; also the name of the event.' },
        ),
      },
      { additionalProperties: true, description: "An event, as Anthropic's API describes it." },
    ),
    AnthropicError,
  ],
  { $id: 'AnthropicStreamEvent', description: 'One event of a streamed answer.' },
)

/** The answer to `POST /messages/count_tokens`. */
export const TokenCount = Type.Object(
  { input_tokens: Type.Integer({ description: 'Tokens of the system prompt and the messages.' }) },
  { $id: 'AnthropicTokenCount', description: 'Tokens, as the model provider counts them.' },
)
export type TokenCount = Static<typeof TokenCount>

/** A model as `GET /models` lists it. */
export const ModelInfo = Type.Object(
  {
    type: Type.Literal('model', { description: 'Always model.' }),
    id: Type.String({ description: 'What to send as model.' }),
    display_name: Type.String({ description: 'The same for people.' }),
    created_at: Type.String({ description: 'The epoch: agents tell no dates.' }),
    lifecycle: Type.Literal('active', { description: 'Always active.' }),
    capabilities: nothing,
    line: nothing,
    max_input_tokens: nothing,
    max_tokens: nothing,
    deprecated_at: nothing,
    retires_at: nothing,
  },
  { $id: 'AnthropicModel', description: 'A model, or the model that a backend chooses.' },
)
export type ModelInfo = Static<typeof ModelInfo>

/** The answer to `GET /models`. */
export const ModelPage = Type.Object(
  {
    data: Type.Array(ModelInfo, { description: 'The models of this page.' }),
    has_more: Type.Boolean({ description: 'Whether there are more in this direction.' }),
    first_id: nullable(Type.String(), 'Id of the first of them, for before_id.'),
    last_id: nullable(Type.String(), 'Id of the last of them, for after_id.'),
  },
  { $id: 'AnthropicModelPage', description: 'A page of models.' },
)
export type ModelPage = Static<typeof ModelPage>
