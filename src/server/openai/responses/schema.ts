import { type Static, Type } from '@sinclair/typebox'
import { MOST_TOOLS } from '../../chat/client-tools.ts'
import { maybe, open, words } from '../fields.ts'

const text = (description: string) => maybe(Type.String(), description)
const flag = (description: string) => maybe(Type.Boolean(), description)

const Effort = words(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'])
const Summary = words(['auto', 'concise', 'detailed'])
const TELL = "Any value: the response tells the model's thinking. Without it, it does not."

const ToolDefinition = open(
  {
    type: Type.String({
      description: 'function, custom, namespace, tool_search, or a tool of the provider.',
    }),
    name: text('Its name, of a function, a custom tool or a namespace.'),
    description: text('What it does.'),
    parameters: maybe(Type.Record(Type.String(), Type.Unknown()), "JSON Schema of a function's arguments."),
    strict: flag('Without effect.'),
    format: Type.Optional(
      Type.Unknown({ description: "Form of a custom tool's input. The model is told it." }),
    ),
    tools: maybe(
      Type.Array(open({}, { description: 'A function or custom tool.' }), { maxItems: MOST_TOOLS }),
      'The tools of a namespace. The model sees them as NAMESPACE__NAME.',
    ),
    execution: text('client: the search for tools is offered to the model as one more tool.'),
  },
  { description: 'A tool.' },
)

const ToolChoice = Type.Union([
  Type.String({ description: 'none, auto or required.' }),
  open(
    {
      type: Type.String({ description: 'function, custom or allowed_tools.' }),
      name: text('The tool.'),
      namespace: text('Its namespace.'),
      mode: text('auto or required, of allowed_tools.'),
      tools: maybe(
        Type.Array(
          open({ name: text('Its name.'), namespace: text('Its namespace.') }, { description: 'A tool.' }),
          { maxItems: MOST_TOOLS },
        ),
        'The only ones, of allowed_tools.',
      ),
    },
    { description: 'Which tool, or which tools.' },
  ),
])

/** Body of `POST /responses`. What it does not name is ignored. */
export const CreateResponse = open(
  {
    model: Type.String({
      minLength: 1,
      description: 'A backend, `backend/model`, a model that a backend lists, or an alias.',
    }),
    input: maybe(
      Type.Union([Type.String(), Type.Array(open({}, { description: 'An item.' }), { maxItems: 100_000 })]),
      'A text, or items: messages, calls of functions and their outputs, reasoning, references to items of stored responses.',
    ),
    instructions: text('System prompt of this response alone: one that goes on from it does not inherit it.'),
    previous_response_id: text('Goes on from this stored response. What was said up to it is the history.'),
    store: flag('Whether the response is kept, for GET and for one that goes on from it. Default: true.'),
    stream: flag('Whether the answer is streamed as server-sent events.'),
    reasoning: maybe(
      open(
        {
          effort: maybe(Effort, 'How hard the model thinks, to the nearest step that the agent knows.'),
          summary: maybe(Summary, TELL),
          generate_summary: maybe(Summary, 'The former name of summary.'),
        },
        { description: 'How hard the model thinks, and whether it is told.' },
      ),
      'Thinking.',
    ),
    max_output_tokens: maybe(
      Type.Integer({ minimum: 1 }),
      'Tokens that the answer may have, where the backend can be told.',
    ),
    metadata: maybe(
      Type.Record(Type.String(), Type.Unknown()),
      'Data of your own. The response repeats it; the agent never sees it.',
    ),
    text: maybe(
      open(
        {
          format: maybe(
            Type.Union([
              open({ type: Type.Literal('text', { description: 'Any text.' }) }, { description: 'Text.' }),
              open(
                { type: Type.Literal('json_object', { description: 'A JSON object.' }) },
                { description: 'JSON.' },
              ),
              open(
                {
                  type: Type.Literal('json_schema', { description: 'JSON that fits a schema.' }),
                  name: text('Its name. Without effect.'),
                  schema: Type.Record(Type.String(), Type.Unknown(), { description: 'The JSON Schema.' }),
                  strict: flag('Without effect: an answer that does not fit is always an error.'),
                },
                { description: 'JSON that fits a schema.' },
              ),
            ]),
            'Form of the answer.',
          ),
          verbosity: text('Without effect.'),
        },
        { description: 'How the answer is written.' },
      ),
      'How the answer is written.',
    ),
    tools: maybe(
      Type.Array(ToolDefinition, { maxItems: MOST_TOOLS }),
      "Tools that the model may call, and the client carries out: functions, custom tools, namespaces of both, and the client's own tool_search. Items of the input may add some (additional_tools, tool_search_output). The provider's own tools (web_search, …) are accepted and not offered.",
    ),
    tool_choice: maybe(
      ToolChoice,
      'none, auto, required, or a tool: whether the model may call, must, or must call just one, where the backend can make it.',
    ),
    parallel_tool_calls: flag('false: calls come one at a time.'),
    include: maybe(Type.Array(Type.String()), 'message.output_text.logprobs is refused, others add nothing.'),
    top_logprobs: maybe(Type.Integer(), 'Refused, unless it is 0.'),
    background: flag(
      'true: answers at once, and the agent goes on whether the client stays or leaves. Needs store.',
    ),
    conversation: Type.Optional(Type.Unknown({ description: 'Refused: use previous_response_id.' })),
    prompt: Type.Optional(Type.Unknown({ description: 'Refused: no prompts are stored.' })),
    temperature: maybe(Type.Number(), 'Without effect.'),
    top_p: maybe(Type.Number(), 'Without effect.'),
    max_tool_calls: maybe(Type.Integer(), 'Without effect.'),
    truncation: text('Without effect: agents keep their context themselves.'),
    service_tier: text('Without effect.'),
    user: text('Without effect.'),
    safety_identifier: text('Without effect.'),
    prompt_cache_key: text('Without effect.'),
  },
  { $id: 'CreateResponse', description: "A request of OpenAI's Responses API." },
)
export type CreateResponse = Static<typeof CreateResponse>
