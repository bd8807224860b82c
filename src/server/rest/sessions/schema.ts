import { type Static, type TSchema, Type } from '@sinclair/typebox'
import { words } from '../../words.ts'
import { TokenUsage } from '../schema.ts'

const text = (description: string) => Type.String({ description })
const maybe = <T extends TSchema>(schema: T) => Type.Optional(schema)
const time = (description: string) => Type.String({ format: 'date-time', description })

const STATUSES = ['idle', 'running', 'completed', 'failed', 'cancelled', 'interrupted'] as const

/** A session. */
export const Session = Type.Object(
  {
    id: text('Its id, for session_id of a prompt.'),
    backend: text('The backend that it belongs to.'),
    agent_session_id: maybe(text("The agent's own id of it.")),
    agent_version: maybe(text("The agent's version at its last turn.")),
    model: maybe(text('The model of its last turn.')),
    working_dir: text('Absolute path of the folder that it works in.'),
    title: maybe(text('Its title.')),
    tags: Type.Array(text('A tag.'), { description: 'Its tags.' }),
    metadata: Type.Record(Type.String(), Type.Unknown(), { description: 'Data of its caller.' }),
    status: words(STATUSES, {
      description:
        'idle before its first prompt, else what became of the last: interrupted where the server ended in the middle of it.',
    }),
    parent_id: maybe(text('The session that it was forked from.')),
    created_at: time('When it began.'),
    last_used: time('When its last turn began or ended.'),
    initial_prompt: maybe(text('The beginning of its first prompt.')),
    turn_count: Type.Integer({ description: 'Its prompts.' }),
    token_usage: maybe(TokenUsage),
    cost_usd: maybe(Type.Number({ description: 'Cost of all turns in US dollars, as the agent told it.' })),
  },
  { $id: 'Session', description: 'A session.' },
)
export type Session = Static<typeof Session>

const Tool = Type.Object(
  {
    id: text('Id of the call.'),
    name: text('The tool.'),
    input: Type.Unknown({ description: 'What it was given.' }),
    output: maybe(text('What it gave back.')),
    is_error: maybe(Type.Boolean({ description: 'Whether it failed.' })),
  },
  { description: 'A tool that the agent used.' },
)

/** One prompt of a session, with its answer. */
const SessionTurn = Type.Object(
  {
    id: text('Its id.'),
    number: Type.Integer({ description: 'Its place in the session, from 1.' }),
    prompt: text('What was said. Images are named in brackets, not kept.'),
    response: text('What was answered.'),
    tools: Type.Array(Tool, { description: 'What the agent did.' }),
    status: text('running, completed, failed, cancelled or interrupted.'),
    stop_reason: maybe(text('Why the answer ended.')),
    model: maybe(text('The model that answered.')),
    token_usage: maybe(TokenUsage),
    cost_usd: maybe(Type.Number({ description: 'US dollars.' })),
    error: maybe(
      Type.Object(
        { code: text('The kind of error.'), message: text('What was wrong.') },
        { description: 'Why it failed.' },
      ),
    ),
    started_at: time('When it began.'),
    ended_at: maybe(time('When it ended.')),
  },
  { description: 'A prompt with its answer.' },
)
export type SessionTurn = Static<typeof SessionTurn>

/** The answer to `GET /api/v1/sessions/{id}`. */
export const WholeSession = Type.Object(
  {
    ...Session.properties,
    turns: Type.Array(SessionTurn, { description: 'What was said, the first first.' }),
  },
  { $id: 'WholeSession', description: 'A session with its turns.' },
)
export type WholeSession = Static<typeof WholeSession>

/** The answer to `GET /api/v1/sessions`. */
export const SessionList = Type.Object(
  {
    sessions: Type.Array(Session, { description: 'The last used first.' }),
    total: Type.Integer({ description: 'All that match.' }),
    limit: Type.Integer({ description: 'How many a page has.' }),
    offset: Type.Integer({ description: 'How many were skipped.' }),
    next_cursor: maybe(text('For cursor, to get the next page. Absent on the last.')),
  },
  { $id: 'SessionList', description: 'A page of sessions.' },
)
export type SessionList = Static<typeof SessionList>

const Title = Type.Union([Type.String({ minLength: 1, maxLength: 500 }), Type.Null()], {
  description: 'Its title; null removes it.',
})
const Tags = Type.Array(Type.String({ minLength: 1, maxLength: 100 }), {
  maxItems: 50,
  description: 'All its tags, in place of those it had.',
})

/** Body of `PATCH /api/v1/sessions/{id}` and of a fork. */
export const SessionChanges = Type.Object(
  { title: maybe(Title), tags: maybe(Tags) },
  { $id: 'SessionChanges', additionalProperties: false, description: 'What to change of a session.' },
)
export type SessionChanges = Static<typeof SessionChanges>

/** The answer to `DELETE /api/v1/sessions/{id}`. */
export const DeletedSession = Type.Object(
  { id: text('Its id.'), deleted: Type.Literal(true, { description: 'It is gone.' }) },
  { $id: 'DeletedSession', description: 'The session is gone.' },
)
export type DeletedSession = Static<typeof DeletedSession>
