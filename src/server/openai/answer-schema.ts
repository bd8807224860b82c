import { type Static, Type } from '@sinclair/typebox'
import { words } from './fields.ts'

const nothing = (description: string) => Type.Null({ description })
const count = (description: string) => Type.Integer({ description })

const head = {
  id: Type.String({ description: 'Id of the answer.' }),
  created: Type.Integer({ description: 'When it began, in seconds since 1970.' }),
  model: Type.String({ description: 'The model as the request names it.' }),
  service_tier: Type.Literal('default', { description: 'Always default.' }),
  system_fingerprint: nothing('Always null.'),
}

const FinishReason = words(
  ['stop', 'length', 'content_filter', 'tool_calls'],
  'Why it ended: by itself or at a stop text, at a limit, because the model refused, or because it called functions.',
)

/** Tokens of one answer. Where the agent doesn't tell, there is none of it. */
export const CompletionUsage = Type.Object(
  {
    prompt_tokens: count('Tokens that the model read, cached or not.'),
    completion_tokens: count('Tokens that the model wrote, thinking included.'),
    total_tokens: count('Both together.'),
    prompt_tokens_details: Type.Object(
      {
        cached_tokens: Type.Optional(count('The part that came from a cache, where it is known.')),
        audio_tokens: Type.Literal(0, { description: 'Always 0.' }),
      },
      { description: 'Of prompt_tokens.' },
    ),
    completion_tokens_details: Type.Object(
      {
        reasoning_tokens: Type.Optional(count('The part that was thinking, where it is known.')),
        audio_tokens: Type.Literal(0, { description: 'Always 0.' }),
        accepted_prediction_tokens: Type.Literal(0, { description: 'Always 0.' }),
        rejected_prediction_tokens: Type.Literal(0, { description: 'Always 0.' }),
      },
      { description: 'Of completion_tokens.' },
    ),
  },
  { $id: 'CompletionUsage', description: 'Tokens as the agent tells them; left out where it tells none.' },
)
export type CompletionUsage = Static<typeof CompletionUsage>

const called = {
  name: Type.String({ description: 'The function.' }),
  arguments: Type.String({ description: 'Its arguments, in JSON.' }),
}

const callId = Type.String({ description: 'Id of the call, which its result has to name.' })
const input = Type.String({ description: 'Its input.' })

const ToolCall = Type.Union(
  [
    Type.Object(
      {
        id: callId,
        type: Type.Literal('function', { description: 'A function.' }),
        function: Type.Object(called, { description: 'What is called.' }),
      },
      { description: 'A call of a function.' },
    ),
    Type.Object(
      {
        id: callId,
        type: Type.Literal('custom', { description: 'A custom tool.' }),
        custom: Type.Object({ name: called.name, input }, { description: 'What is called.' }),
      },
      { description: 'A call of a custom tool.' },
    ),
  ],
  { description: 'A call.' },
)
export type ToolCall = Static<typeof ToolCall>

/** The JSON answer to `POST /chat/completions`. */
export const ChatCompletion = Type.Object(
  {
    ...head,
    object: Type.Literal('chat.completion', { description: 'What this is.' }),
    choices: Type.Array(
      Type.Object(
        {
          index: Type.Literal(0, { description: 'Always 0.' }),
          message: Type.Object(
            {
              role: Type.Literal('assistant', { description: 'Always assistant.' }),
              content: Type.Union([Type.String(), Type.Null()], {
                description: 'The answer. Null where there are only calls.',
              }),
              tool_calls: Type.Optional(
                Type.Array(ToolCall, {
                  description: "Calls of the request's functions, for the client to answer.",
                }),
              ),
              reasoning_content: Type.Optional(Type.String({ description: "The model's thinking." })),
              refusal: nothing('Always null.'),
              annotations: Type.Array(Type.Unknown(), { description: 'Always empty.' }),
            },
            { description: 'The message.' },
          ),
          logprobs: nothing('Always null.'),
          finish_reason: FinishReason,
        },
        { description: 'The answer.' },
      ),
      { description: 'Exactly one.' },
    ),
    usage: Type.Optional(CompletionUsage),
  },
  { $id: 'ChatCompletion', description: 'A complete answer.' },
)
export type ChatCompletion = Static<typeof ChatCompletion>

const Delta = Type.Object(
  {
    role: Type.Optional(Type.Literal('assistant', { description: 'In the first chunk.' })),
    content: Type.Optional(Type.String({ description: 'What comes next in the answer.' })),
    reasoning_content: Type.Optional(Type.String({ description: 'What comes next in its thinking.' })),
    refusal: Type.Optional(nothing('In the first chunk.')),
    tool_calls: Type.Optional(
      Type.Array(
        Type.Object(
          {
            index: Type.Integer({ description: 'Which of the calls it is, from 0.' }),
            id: Type.Optional(Type.String({ description: 'In the first piece of a call.' })),
            type: Type.Optional(
              Type.Union([Type.Literal('function'), Type.Literal('custom')], {
                description: 'In the first piece of a call.',
              }),
            ),
            function: Type.Optional(
              Type.Object(
                { name: Type.Optional(called.name), arguments: called.arguments },
                { description: 'The name in the first piece; then the next piece of the arguments.' },
              ),
            ),
            custom: Type.Optional(
              Type.Object(
                { name: Type.Optional(called.name), input },
                { description: 'The name in the first piece; then the input.' },
              ),
            ),
          },
          { description: 'A piece of a call.' },
        ),
        { description: "What comes next in a call of one of the request's functions." },
      ),
    ),
  },
  { description: 'What is new. Empty in the last chunk, and where it only shows that the agent is at work.' },
)
export type Delta = Static<typeof Delta>

/** The `data` of one event of a streamed answer. */
export const ChatCompletionChunk = Type.Object(
  {
    ...head,
    object: Type.Literal('chat.completion.chunk', { description: 'What this is.' }),
    choices: Type.Array(
      Type.Object(
        {
          index: Type.Literal(0, { description: 'Always 0.' }),
          delta: Delta,
          logprobs: nothing('Always null.'),
          finish_reason: Type.Union([FinishReason, Type.Null()], {
            description: 'Null in all but the last.',
          }),
        },
        { description: 'A piece of the answer.' },
      ),
      { description: 'One, or none in the chunk that tells the tokens.' },
    ),
    usage: Type.Optional(
      Type.Union([CompletionUsage, Type.Null()], {
        description: 'With stream_options.include_usage: null in all but the last chunk.',
      }),
    ),
  },
  {
    $id: 'ChatCompletionChunk',
    description:
      'One chunk of a stream, which ends with the line "data: [DONE]". A run that fails ends with an error instead.',
  },
)
export type ChatCompletionChunk = Static<typeof ChatCompletionChunk>

/** One model. */
export const Model = Type.Object(
  {
    id: Type.String({ description: 'Its name, for the model of a request.' }),
    object: Type.Literal('model', { description: 'What this is.' }),
    created: Type.Integer({ description: 'Always 0: when it was made is not known.' }),
    owned_by: Type.String({ description: 'The backend.' }),
  },
  { $id: 'Model', description: 'A model that can be asked for.' },
)
export type Model = Static<typeof Model>

/** The answer to `GET /models`. */
export const ModelList = Type.Object(
  {
    object: Type.Literal('list', { description: 'What this is.' }),
    data: Type.Array(Model, { description: 'All of them.' }),
  },
  {
    $id: 'ModelList',
    description: 'Every backend that is ready, the models that it lists, and the aliases.',
  },
)
export type ModelList = Static<typeof ModelList>
