import { type Static, type TSchema, Type } from '@sinclair/typebox'
import { open, words } from '../fields.ts'

const text = (description: string) => Type.String({ description })
const count = (description: string) => Type.Integer({ description })
const orNull = <T extends TSchema>(schema: T, description: string) =>
  Type.Union([schema, Type.Null()], { description })
const none = (description: string) => Type.Array(Type.Unknown(), { maxItems: 0, description })

const OutputText = Type.Object(
  {
    type: Type.Literal('output_text', { description: 'Always output_text.' }),
    text: text('The text.'),
    annotations: none('Always empty.'),
    logprobs: none('Always empty.'),
  },
  { description: 'A text that the model wrote.' },
)

const Status = words(
  ['in_progress', 'completed', 'incomplete'],
  'completed, or incomplete where a limit, a failure or a cancelling cut it.',
)
export type ItemStatus = Static<typeof Status>

/** An answer in a response's `output`. */
const MessageItem = Type.Object(
  {
    id: text('Id of the item.'),
    type: Type.Literal('message', { description: 'Always message.' }),
    role: Type.Literal('assistant', { description: 'Always assistant.' }),
    status: Status,
    content: Type.Array(OutputText, { description: 'One text.' }),
  },
  { description: 'The answer, or a part of it before or after some thinking.' },
)
export type MessageItem = Static<typeof MessageItem>

/** Thinking in a response's `output`. */
const ReasoningItem = Type.Object(
  {
    id: text('Id of the item.'),
    type: Type.Literal('reasoning', { description: 'Always reasoning.' }),
    summary: Type.Array(
      Type.Object(
        {
          type: Type.Literal('summary_text', { description: 'Always summary_text.' }),
          text: text('The thinking, as far as the agent tells it.'),
        },
        { description: 'A text.' },
      ),
      { description: 'One text.' },
    ),
  },
  { description: 'What the model thought. Only with reasoning.summary.' },
)
export type ReasoningItem = Static<typeof ReasoningItem>

const call = {
  id: text('Id of the item.'),
  call_id: text('Id of the call, which its output has to name.'),
  name: text('The tool.'),
  namespace: Type.Optional(text("The tool's namespace, where the request has it in one.")),
  status: Status,
}

/** A call of one of the client's functions in a response's `output`. */
const CallItem = Type.Object(
  {
    type: Type.Literal('function_call', { description: 'Always function_call.' }),
    ...call,
    arguments: text('Its arguments, in JSON.'),
  },
  { description: "A call of one of the request's functions, which the client has to answer." },
)
export type CallItem = Static<typeof CallItem>

/** A call of one of the client's custom tools in a response's `output`. */
const CustomCallItem = Type.Object(
  {
    type: Type.Literal('custom_tool_call', { description: 'Always custom_tool_call.' }),
    ...call,
    input: text('Its input.'),
  },
  { description: "A call of one of the request's custom tools, which the client has to answer." },
)
export type CustomCallItem = Static<typeof CustomCallItem>

/** A call of the client's search for tools in a response's `output`. */
const SearchCallItem = Type.Object(
  {
    id: call.id,
    type: Type.Literal('tool_search_call', { description: 'Always tool_search_call.' }),
    call_id: call.call_id,
    execution: Type.Literal('client', { description: 'Always client.' }),
    status: Status,
    arguments: Type.Unknown({ description: 'What to search for.' }),
  },
  { description: "A call of the client's tool_search, which the client has to answer." },
)
export type SearchCallItem = Static<typeof SearchCallItem>

export type OutputItem = MessageItem | ReasoningItem | CallItem | CustomCallItem | SearchCallItem

/** Tokens as OpenAI counts them: `input_tokens` with what was cached, `output_tokens` with what was thought. */
const ResponseUsage = Type.Object(
  {
    input_tokens: count('Tokens that the model read, cached or not.'),
    input_tokens_details: Type.Object(
      {
        cached_tokens: count("The part that came from the provider's cache."),
        cache_write_tokens: count("The part that was written to the provider's cache."),
      },
      { description: 'Of input_tokens.' },
    ),
    output_tokens: count('Tokens that the model wrote, thinking included.'),
    output_tokens_details: Type.Object(
      { reasoning_tokens: count('The part that was thinking.') },
      { description: 'Of output_tokens.' },
    ),
    total_tokens: count('Both together.'),
  },
  { $id: 'ResponseUsage', description: 'Tokens as the agent tells them.' },
)
export type ResponseUsage = Static<typeof ResponseUsage>

/** The answer to `POST /responses`. */
export const ResponseObject = Type.Object(
  {
    id: text('Id of the response.'),
    object: Type.Literal('response', { description: 'Always response.' }),
    created_at: count('When it began, in seconds since 1970.'),
    completed_at: orNull(Type.Integer(), 'When it was complete, in seconds since 1970.'),
    status: words(
      ['in_progress', 'completed', 'incomplete', 'failed', 'cancelled'],
      'incomplete: cut by a limit, or the model refused.',
    ),
    background: Type.Boolean({ description: 'As in the request.' }),
    error: orNull(
      Type.Object({ code: text('The kind of error.'), message: text('What went wrong.') }),
      'Why it failed.',
    ),
    incomplete_details: orNull(
      Type.Object({ reason: words(['max_output_tokens', 'content_filter'], 'What cut it.') }),
      'Why it is incomplete.',
    ),
    output: Type.Array(Type.Union([MessageItem, ReasoningItem, CallItem, CustomCallItem, SearchCallItem]), {
      description: 'Thinking, answers and calls in their order.',
    }),
    usage: orNull(ResponseUsage, 'Null where the agent tells nothing.'),
    previous_response_id: orNull(Type.String(), 'As in the request.'),
    store: Type.Boolean({ description: 'Whether it is kept.' }),
    model: text('The model as the request names it.'),
    instructions: orNull(Type.String(), 'As in the request.'),
    max_output_tokens: orNull(Type.Integer(), 'As in the request.'),
    metadata: Type.Record(Type.String(), Type.Unknown(), { description: 'As in the request.' }),
    parallel_tool_calls: Type.Boolean({ description: 'As in the request.' }),
    reasoning: Type.Object(
      {
        effort: orNull(Type.String(), 'As in the request.'),
        summary: orNull(Type.String(), 'As in the request.'),
      },
      { description: 'As in the request.' },
    ),
    temperature: orNull(Type.Number(), 'As in the request.'),
    text: open(
      { format: open({}, { description: 'As in the request; by default text.' }) },
      { description: 'As in the request.' },
    ),
    tool_choice: Type.Unknown({ description: 'As in the request.' }),
    tools: Type.Array(Type.Unknown(), { description: 'As in the request.' }),
    top_p: orNull(Type.Number(), 'As in the request.'),
    truncation: text('As in the request.'),
    user: Type.Optional(text('As in the request.')),
    safety_identifier: Type.Optional(text('As in the request.')),
    prompt_cache_key: Type.Optional(text('As in the request.')),
  },
  { $id: 'Response', description: 'A response.' },
)
export type ResponseObject = Static<typeof ResponseObject>

/** One event of a streamed response. */
export const ResponseEvent = open(
  {
    type: text('Name of the event, such as response.output_text.delta.'),
    sequence_number: count('Number of the event in its stream, from 0.'),
  },
  { $id: 'ResponseEvent', description: 'One event of a streamed response, as OpenAI defines it.' },
)
export type ResponseEvent = Static<typeof ResponseEvent> & Readonly<Record<string, unknown>>

/** The answer to `GET /responses/{id}/input_items`. */
export const ItemPage = Type.Object(
  {
    object: Type.Literal('list', { description: 'Always list.' }),
    data: Type.Array(open({ id: text('Id of the item.') }, { description: 'An item.' }), {
      description: 'The items.',
    }),
    first_id: orNull(Type.String(), 'Id of the first item here.'),
    last_id: orNull(Type.String(), 'Id of the last item here: the next page begins after it.'),
    has_more: Type.Boolean({ description: 'Whether there is a next page.' }),
  },
  { $id: 'ResponseItemPage', description: 'A page of items.' },
)
export type ItemPage = Static<typeof ItemPage>

/** The answer to `DELETE /responses/{id}`. */
export const DeletedResponse = Type.Object(
  {
    id: text('Id of the response.'),
    object: Type.Literal('response', { description: 'Always response.' }),
    deleted: Type.Literal(true, { description: 'Always true.' }),
  },
  { $id: 'DeletedResponse', description: 'The response is gone.' },
)
export type DeletedResponse = Static<typeof DeletedResponse>

/** The answer to `POST /responses/input_tokens`. */
export const InputTokens = Type.Object(
  {
    object: Type.Literal('response.input_tokens', { description: 'Always response.input_tokens.' }),
    input_tokens: count('Tokens of the instructions and the input.'),
  },
  { $id: 'ResponseInputTokens', description: 'Tokens, as the model provider counts them.' },
)
export type InputTokens = Static<typeof InputTokens>
