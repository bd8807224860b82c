import { describeOperation } from '../../operation.ts'
import { PromptAnswer, SessionPrompt, StreamEvent } from '../schema.ts'
import { DeletedSession, Session, SessionChanges, SessionList, WholeSession } from './schema.ts'

const json = (schema: object) => ({ 'application/json': schema })
const id = { id: 'Its id, or the beginning of it where no other session begins so.' }
const tag = 'Sessions'

export const LIST = describeOperation({
  id: 'listSessions',
  tag,
  summary: 'List the sessions',
  description: 'Lists the sessions that are kept, the last used first.',
  query: {
    backend: 'Only those of this backend.',
    status: 'Only those with this status.',
    tag: 'Only those with this tag.',
    workdir: 'Only those that work in this folder.',
    text: 'Only those with this in their title, id, prompts or answers.',
    limit: 'How many, from 1 to 1000. Default: 20.',
    offset: 'How many to skip.',
    cursor: 'next_cursor of the page before: holds its place whatever was used or removed since.',
  },
  answer: { description: 'A page of sessions.', content: json(SessionList) },
  problems: [400, 401, 403, 429, 500, 503],
})

export const FIND = describeOperation({
  id: 'getSession',
  tag,
  params: id,
  summary: 'Read a session',
  description: 'Gives a session with everything that was said in it.',
  answer: { description: 'The session.', content: json(WholeSession) },
  problems: [400, 401, 403, 404, 429, 500, 503],
})

export const CHANGE = describeOperation({
  id: 'changeSession',
  tag,
  params: id,
  summary: 'Change a session',
  description: 'Changes its title or its tags.',
  body: SessionChanges,
  answer: { description: 'The session.', content: json(Session) },
  problems: [400, 401, 403, 404, 413, 415, 429, 500, 503],
})

export const DELETE = describeOperation({
  id: 'deleteSession',
  tag,
  params: { id: 'Its id, or at least the first 8 characters of it.' },
  summary: 'Delete a session',
  description:
    "Removes a session with all its turns and ends its agent; a turn under way is cancelled. What the agent itself keeps of it is the agent's.",
  answer: { description: 'It is gone.', content: json(DeletedSession) },
  problems: [400, 401, 403, 404, 429, 500, 503],
})

export const FORK = describeOperation({
  id: 'forkSession',
  tag,
  params: id,
  summary: 'Branch a session off',
  description:
    'Makes a new session that has everything that was said so far. Its first prompt branches the session of the agent where the agent can, else the agent is told all of it again.',
  body: SessionChanges,
  answer: { description: 'The new session.', content: json(Session) },
  problems: [400, 401, 403, 404, 413, 415, 429, 500, 503],
})

export const PROMPT = describeOperation({
  id: 'promptSession',
  tag,
  params: id,
  summary: 'Go on with a session',
  description: 'The same as `POST /api/v1/prompt` with `session_id`.',
  body: SessionPrompt,
  answer: {
    description: 'The answer.',
    content: {
      ...json(PromptAnswer),
      'text/event-stream': StreamEvent,
      'application/x-ndjson': StreamEvent,
      'text/plain': { type: 'string', description: 'The text of the answer.' },
    },
  },
  problems: [400, 401, 402, 403, 404, 408, 409, 413, 415, 429, 500, 502, 503, 504, 529],
})
