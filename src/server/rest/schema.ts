import { type Static, Type } from '@sinclair/typebox'
import { Problem } from '../problem.ts'
import { words } from '../words.ts'

const text = (description: string) => Type.Optional(Type.String({ minLength: 1, description }))
export const flag = (description: string) => Type.Optional(Type.Boolean({ description }))
const count = (description: string) =>
  Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000_000, description }))

const Image = Type.Object(
  {
    media_type: words(['image/png', 'image/jpeg', 'image/gif', 'image/webp'], {
      description: 'Kind of image.',
    }),
    data: Type.String({ minLength: 1, description: 'The image, base64.' }),
  },
  { additionalProperties: false, description: 'An image that belongs to the prompt.' },
)

/** Body of `POST /api/v1/prompt`. */
export const PromptRequest = Type.Object(
  {
    prompt: Type.String({ minLength: 1, description: 'What to say to the agent.' }),
    images: Type.Optional(
      Type.Array(Image, { description: 'Images that the agent sees before the prompt.' }),
    ),
    backend: text('Name of the backend, see GET /api/v1/backends. Default: the configured one.'),
    model: text("A model's name, or an alias such as fast, balanced or best. Default: the backend's."),
    session_id: text('Goes on with this session. Default: a new one is opened.'),
    on_busy: Type.Optional(
      words(['wait', 'fail'], {
        description:
          'What to do while the session has another prompt under way. wait (default): prompts take their turn in order; fail: 409.',
      }),
    ),
    background: flag(
      'Whether to answer 202 with the id of the run at once; GET /api/v1/runs/{id} and …/events tell the rest.',
    ),
    on_disconnect: Type.Optional(
      words(['cancel', 'continue'], {
        description:
          'What becomes of the run when its client leaves. Default: cancel, and continue with background or an Idempotency-Key.',
      }),
    ),
    title: Type.Optional(
      Type.String({ minLength: 1, maxLength: 500, description: 'Title of a new session.' }),
    ),
    tags: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 100 }), {
        maxItems: 50,
        description: 'Tags of a new session, besides the configured ones.',
      }),
    ),
    workdir: text('Absolute path of the folder that the agent works in. Default: the configured one.'),
    ephemeral: flag('Whether the session is forgotten when the answer is complete.'),
    approval_mode: Type.Optional(
      words(['default', 'auto', 'none', 'always'], {
        description:
          'Who decides when the agent wants to act. default: what it would ask for is denied; auto: file edits in the workdir are approved; none: everything is approved; always: everything is asked for, thus denied.',
      }),
    ),
    sandbox_mode: Type.Optional(
      words(['default', 'read-only', 'workspace', 'full'], {
        description: 'What the agent may touch at most, whatever is approved.',
      }),
    ),
    output_format: Type.Optional(
      words(['default', 'text', 'json', 'stream-json'], {
        description:
          'stream-json: the answer is a stream of JSON lines. The others: one JSON object, unless Accept or stream say otherwise.',
      }),
    ),
    stream: flag(
      'Whether the answer is streamed as server-sent events, as Accept: text/event-stream asks for.',
    ),
    max_tokens: count("Tokens that the answer may have. 0: the backend's default."),
    max_turns: count("Times that the agent may call its model. 0: the backend's default."),
    system_prompt: text("Instructions that are added to the agent's own."),
    allowed_tools: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        description: 'The only tools that the agent may use, in its own names. They need no approval.',
      }),
    ),
    verbose: flag(
      'Whether to tell how the answer came about: events in the JSON answer, data of progress events in a stream.',
    ),
    dry_run: flag('Whether only to check the request and tell what would be run.'),
    extra: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        description: "Flags for the agent's command line. Refused unless the operator allows them.",
      }),
    ),
    metadata: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description: 'Data of your own. The answer repeats it; the agent never sees it.',
      }),
    ),
  },
  {
    $id: 'PromptRequest',
    additionalProperties: false,
    description: 'One prompt.',
    examples: [{ backend: 'demo', prompt: 'hello' }],
  },
)
export type PromptRequest = Static<typeof PromptRequest>

const {
  session_id: _id,
  title: _title,
  tags: _tags,
  ephemeral: _ephemeral,
  ...ofSession
} = PromptRequest.properties

/** Body of `POST /api/v1/sessions/{id}/prompt`. */
export const SessionPrompt = Type.Object(ofSession, {
  $id: 'SessionPrompt',
  additionalProperties: false,
  description: 'One prompt of a session.',
  examples: [{ prompt: 'and now?' }],
})

const StopReason = words(['end_turn', 'max_tokens', 'max_turns', 'stop_sequence', 'refusal'], {
  description: 'Why the answer ended. A turn that failed has an error instead.',
})

const tokens = (description: string) => Type.Optional(Type.Integer({ description }))

/** Tokens of one turn. */
export const TokenUsage = Type.Object(
  {
    input_tokens: tokens('Tokens that the model read, cached or not.'),
    output_tokens: tokens('Tokens that the model wrote, thinking included.'),
    cached_tokens: tokens("The part of input_tokens that came from the provider's cache."),
    reasoning_tokens: tokens('The part of output_tokens that was thinking.'),
  },
  {
    $id: 'TokenUsage',
    description:
      'Tokens as the agent counts them, all model calls together. What it does not tell is left out.',
  },
)
export type TokenUsage = Static<typeof TokenUsage>

const outcome = {
  id: Type.String({ description: 'Id of this turn.' }),
  exit_code: Type.Literal(0, { description: 'Always 0: a turn that failed is an error.' }),
  model: Type.Optional(Type.String({ description: 'The model that answered, where it is known.' })),
  agent_session_id: Type.Optional(Type.String({ description: "The agent's own id of the session." })),
  replayed: Type.Optional(
    Type.Literal(true, {
      description: 'The agent had lost its session, and was told everything that was said before.',
    }),
  ),
  start: Type.Optional(
    words(['warm', 'spare', 'cold'], {
      description:
        'What the turn began on. warm: a conversation that its agent had open; spare: a process that ran already; cold: one that had to be started. Also the header x-clinvk-start.',
    }),
  ),
  waited_ms: Type.Optional(
    Type.Integer({
      description: 'How long the prompt waited in the queue, in ms. Also the header x-clinvk-wait.',
    }),
  ),
  stop_reason: StopReason,
  duration_ms: Type.Integer({
    description: 'How long the turn took, its wait in the queue included, in ms.',
  }),
  token_usage: Type.Optional(TokenUsage),
  cost_usd: Type.Optional(Type.Number({ description: 'US dollars, where the agent tells them.' })),
  metadata: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), { description: 'The metadata of the request.' }),
  ),
}

const event = <T extends string, C extends Parameters<typeof Type.Object>[0][string]>(
  type: T,
  content: C,
  description: string,
) =>
  Type.Object(
    {
      type: Type.Literal(type, { description: 'What happened.' }),
      backend: Type.String({ description: 'The backend that answers.' }),
      session_id: Type.String({ description: 'The session, for the session_id of a next prompt.' }),
      timestamp: Type.String({ description: 'When, in RFC 3339.' }),
      sequence: Type.Integer({ description: 'Number of the event in its stream, from 1. The id of SSE.' }),
      content,
    },
    { description },
  )

/** One event of a stream; a line of NDJSON, or the `data` of a server-sent event of the same name. */
export const StreamEvent = Type.Union(
  [
    event(
      'init',
      Type.Object(
        {
          id: outcome.id,
          model: outcome.model,
          agent_session_id: outcome.agent_session_id,
          replayed: outcome.replayed,
          start: outcome.start,
          waited_ms: outcome.waited_ms,
          agent_version: Type.Optional(Type.String({ description: "The agent's own version." })),
        },
        { description: 'Who answers.' },
      ),
      'The agent has begun.',
    ),
    event(
      'message',
      Type.String({ description: 'What comes next in the answer.' }),
      'A piece of the answer. All pieces joined are the answer.',
    ),
    event(
      'thinking',
      Type.String({ description: 'What comes next in it.' }),
      "A piece of the model's thinking.",
    ),
    event(
      'tool_use',
      Type.Object(
        {
          id: Type.String({ description: 'Id of the call.' }),
          name: Type.String({ description: "The tool, in the agent's words." }),
          input: Type.Unknown({ description: 'What the tool is given.' }),
        },
        { description: 'The call.' },
      ),
      'The agent uses a tool of its own.',
    ),
    event(
      'tool_result',
      Type.Object(
        {
          id: Type.String({ description: 'Id of the call.' }),
          output: Type.String({ description: 'What the tool gave back.' }),
          is_error: Type.Boolean({ description: 'Whether the tool failed.' }),
        },
        { description: 'The result.' },
      ),
      'A tool is done.',
    ),
    event(
      'progress',
      Type.Object(
        {
          kind: words(['queue', 'notice', 'approval', 'heartbeat'], {
            description:
              'queue: the prompt waits for its turn; notice: the agent tells something, such as a retry; approval: it asked for permission and was answered; heartbeat: nothing happened for a while.',
          }),
          message: Type.String({ description: 'The same for people.' }),
          data: Type.Optional(
            Type.Record(Type.String(), Type.Unknown(), {
              description:
                'queue: {"queue": {"position": 3, "backend": "claude"}}, the position being the number of prompts for this backend that go first. A notice\'s details are told with verbose.',
            }),
          ),
          tool: Type.Optional(Type.String({ description: 'approval: the tool it was for.' })),
          tool_id: Type.Optional(Type.String({ description: 'approval: id of the call, where known.' })),
          decision: Type.Optional(words(['allowed', 'denied'], { description: 'approval: the answer.' })),
        },
        { description: 'The sign.' },
      ),
      'A sign of life that is no part of the answer.',
    ),
    event('error', Problem, 'The turn failed. The last event.'),
    event(
      'done',
      Type.Object(outcome, { description: 'How it went.' }),
      'The answer is complete. The last event.',
    ),
  ],
  { $id: 'StreamEvent', description: 'One event of a streamed answer.' },
)
export type StreamEvent = Static<typeof StreamEvent>

/** The JSON answer to `POST /api/v1/prompt`. */
export const PromptResponse = Type.Object(
  {
    ...outcome,
    session_id: Type.String({ description: 'The session, for the session_id of a next prompt.' }),
    backend: Type.String({ description: 'The backend that answered.' }),
    response: Type.String({ description: 'The answer.' }),
    output: Type.String({ description: 'The same text, for clients of release 0.2.' }),
    events: Type.Optional(
      Type.Array(StreamEvent, {
        description: 'With verbose: thinking, tools and progress, in their order.',
      }),
    ),
  },
  { $id: 'PromptResponse', description: 'A complete answer.' },
)
export type PromptResponse = Static<typeof PromptResponse>

/** The JSON answer to a prompt with `dry_run`. */
export const DryRunResponse = Type.Object(
  {
    dry_run: Type.Literal(true, { description: 'Nothing was run.' }),
    metadata: outcome.metadata,
  },
  {
    $id: 'DryRunResponse',
    description: 'What would be run: backend, command, folder and options after all defaults.',
    additionalProperties: true,
  },
)
export type DryRunResponse = Static<typeof DryRunResponse>

/** The JSON answers to `POST /api/v1/prompt`. */
export const PromptAnswer = Type.Union([PromptResponse, DryRunResponse], {
  description: 'The answer, or with dry_run what would be run.',
})
