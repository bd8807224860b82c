import { type Static, type TSchema, Type } from '@sinclair/typebox'
import { MOST_TOOLS } from '../chat/client-tools.ts'
import { AssistantBlock, optional, TextBlock, textOr, UserBlock } from './schema-blocks.ts'

const role = <T extends string>(name: T) => Type.Literal(name, { description: 'Who says it.' })

const Message = Type.Union(
  [
    Type.Object(
      { role: role('user'), content: textOr(UserBlock, 'What is said.') },
      { description: 'What the user says.' },
    ),
    Type.Object(
      { role: role('assistant'), content: textOr(AssistantBlock, 'What was answered.') },
      { description: 'An earlier answer.' },
    ),
    Type.Object(
      { role: role('system'), content: textOr(TextBlock, 'The instructions.') },
      {
        description:
          'Instructions. They are added to those in system; behind an answer they are a reminder at their place.',
      },
    ),
  ],
  { $id: 'AnthropicMessageParam', description: 'A message of the conversation.' },
)
export type Message = Static<typeof Message>

const display = optional(
  Type.Union(
    (['summarized', 'updates', 'omitted'] as const).map((word) => Type.Literal(word)),
    {
      description:
        'summarized, updates: the answer shows the thinking; omitted: it shows only that there was some.',
    },
  ),
)
const thinking = <T extends string, F extends Record<string, TSchema>>(
  type: T,
  fields: F,
  description: string,
) =>
  Type.Object({ type: Type.Literal(type, { description: 'Kind of thinking.' }), ...fields }, { description })

const Thinking = Type.Union(
  [
    thinking(
      'enabled',
      {
        budget_tokens: Type.Integer({
          minimum: 1,
          description:
            'Up to 4095 stands for low effort, to 16383 for medium, to 32767 for high, above for xhigh.',
        }),
        display,
      },
      'The model thinks, as hard as the budget says.',
    ),
    thinking('adaptive', { display }, 'The model thinks as it finds right.'),
    thinking('between_tools', {}, 'The same as adaptive.'),
    thinking('disabled', {}, 'The model does not think, where it can be kept from it.'),
  ],
  { description: 'Thinking. The answer shows it only where this asks for it.' },
)
export type Thinking = Static<typeof Thinking>

const ToolDefinition = Type.Object(
  {
    type: optional(
      Type.String({ description: "custom, or left out. The provider's own tools are refused." }),
    ),
    name: Type.String({ minLength: 1, description: 'Its name.' }),
    description: optional(Type.String({ description: 'What it does.' })),
    input_schema: optional(
      Type.Record(Type.String(), Type.Unknown(), { description: 'JSON Schema of its arguments.' }),
    ),
    defer_loading: optional(
      Type.Boolean({
        description: 'true: the model sees it only once a result of a tool has referred to it.',
      }),
    ),
  },
  { $id: 'AnthropicTool', description: 'A tool of the client.' },
)
export type ToolDefinition = Static<typeof ToolDefinition>

const AnswerFormat = Type.Object(
  {
    type: Type.Literal('json_schema', { description: 'JSON that fits a schema.' }),
    schema: Type.Record(Type.String(), Type.Unknown(), { description: 'The JSON Schema.' }),
  },
  { description: 'Form of the answer. One that does not fit is an error.' },
)

const withoutEffect = <T extends TSchema>(schema: T) =>
  optional({ ...schema, description: 'Without effect.' })
const refused = (description: string) => optional(Type.Unknown({ description }))

const prompt = {
  model: Type.String({
    minLength: 1,
    description: 'A backend, `backend/model`, a model that a backend lists, or an alias.',
  }),
  messages: Type.Array(Message, {
    maxItems: 100_000,
    description: 'The conversation. It ends with what is to be answered.',
  }),
  system: optional(textOr(TextBlock, 'Instructions.')),
  thinking: optional(Thinking),
  tools: optional(
    Type.Array(ToolDefinition, {
      maxItems: MOST_TOOLS,
      description:
        "Tools that the model may call, and the client carries out. Anthropic's own, named by a type with a date (web_search_20250305, bash_20250124), are refused.",
    }),
  ),
  tool_choice: optional(
    Type.Object(
      {
        type: Type.Union(
          (['auto', 'any', 'tool', 'none'] as const).map((word) => Type.Literal(word)),
          { description: 'Whether the model may call, must, must call the named one, or must not.' },
        ),
        name: optional(Type.String({ description: 'The tool, for tool.' })),
        disable_parallel_tool_use: optional(Type.Boolean({ description: 'true: calls come one at a time.' })),
      },
      { description: 'Use of the tools; any and tool where the backend can make the model call.' },
    ),
  ),
  mcp_servers: optional(Type.Array(Type.Unknown(), { description: 'Refused, unless it is empty.' })),
  output_config: optional(
    Type.Object(
      {
        effort: optional(
          Type.Union(
            (['low', 'medium', 'high', 'xhigh', 'max'] as const).map((effort) => Type.Literal(effort)),
            { description: "How hard the model should think; the agent's nearest step is taken." },
          ),
        ),
        format: optional(AnswerFormat),
      },
      { description: 'How to answer.' },
    ),
  ),
  output_format: optional({ ...AnswerFormat, description: 'Older name of output_config.format.' }),
  cache_control: withoutEffect(Type.Unknown()),
  context_management: withoutEffect(Type.Unknown()),
  speed: withoutEffect(Type.String()),
}

/** Body of `POST /messages`. What it does not name is ignored. */
export const MessagesRequest = Type.Object(
  {
    ...prompt,
    max_tokens: Type.Integer({
      minimum: 1,
      maximum: 1_000_000_000,
      description: 'Tokens that the answer may have, where the backend can be told.',
    }),
    stream: optional(Type.Boolean({ description: 'Whether the answer is streamed as server-sent events.' })),
    stop_sequences: optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 1000 }), {
        maxItems: 100,
        description: 'The answer ends before the first of these texts. 100 at most.',
      }),
    ),
    metadata: optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description: 'Data of your own, such as user_id. The agent never sees it.',
      }),
    ),
    container: refused('Refused: there are no containers.'),
    thread: refused('Refused: no conversations are kept. Anthropic SDKs go on without.'),
    temperature: withoutEffect(Type.Number()),
    top_p: withoutEffect(Type.Number()),
    top_k: withoutEffect(Type.Number()),
    service_tier: withoutEffect(Type.String()),
    inference_geo: withoutEffect(Type.String()),
    diagnostics: withoutEffect(Type.Unknown()),
  },
  {
    $id: 'AnthropicMessagesRequest',
    additionalProperties: true,
    description: 'A conversation that is to be answered.',
  },
)
export type MessagesRequest = Static<typeof MessagesRequest>

/** Body of `POST /messages/count_tokens`. */
export const CountTokensRequest = Type.Object(prompt, {
  $id: 'AnthropicCountTokensRequest',
  additionalProperties: true,
  description: 'A conversation whose tokens are to be counted.',
})
export type CountTokensRequest = Static<typeof CountTokensRequest>
