import { type Static, Type } from '@sinclair/typebox'
import { RECYCLE_REASONS } from '../../agents/pool/types.ts'
import { words } from '../words.ts'

const count = (description: string) => Type.Integer({ description, minimum: 0 })
const seconds = (description: string) =>
  Type.Number({ description: `${description} In seconds.`, minimum: 0 })
const bytes = (description: string) => Type.Integer({ description: `${description} In bytes.`, minimum: 0 })
const time = (description: string) => Type.String({ format: 'date-time', description })
const maybe = Type.Optional

const Process = Type.Object(
  {
    pid: maybe(Type.Integer({ description: 'Its process id. Absent while it is being started.' })),
    state: words(['starting', 'spare', 'idle', 'busy', 'leaving'], {
      description:
        'spare: no session has used it; idle: no prompt runs; busy: prompts run; leaving: it takes no new session and ends with its last one.',
    }),
    sessions: count('Sessions that live in it.'),
    turns: count('Prompts that it has had.'),
    started_at: time('When it was started.'),
    age_s: seconds('How long ago that was.'),
    memory_bytes: maybe(bytes('What it and its children take, where that is known.')),
  },
  { $id: 'PoolProcess', description: 'One agent process.' },
)

const Recycled = Type.Object(
  Object.fromEntries(RECYCLE_REASONS.map((reason) => [reason, count(`By reason: ${reason}.`)])) as Record<
    (typeof RECYCLE_REASONS)[number],
    ReturnType<typeof count>
  >,
  { description: 'Processes that were replaced or let go, by why.' },
)

const Backend = Type.Object(
  {
    name: Type.String({ description: 'Name of the backend.' }),
    running: count('Prompts under way.'),
    waiting: maybe(count('Prompts that wait for their turn.')),
    waits: Type.Object(
      { turns: count('Prompts that had to wait.'), total_s: seconds('How long all of them did.') },
      { description: 'What waiting there was before prompts that have begun.' },
    ),
    pool: maybe(
      Type.Object(
        {
          processes: Type.Array(Process, { description: 'Its processes.' }),
          sessions: count('Agent sessions that live in them.'),
          conversations: Type.Object(
            { live: count('All of them.'), idle: count('Those without a prompt under way.') },
            { description: 'Conversations whose agent is kept alive.' },
          ),
          capacity: count('Sessions that may have a prompt at once.'),
          exclusive: Type.Boolean({ description: 'Each session has a process of its own.' }),
          hits: Type.Object(
            {
              warm: count('A session that was alive.'),
              spare: count('A new session in a process that ran already.'),
              cold: count('A process that was started for it.'),
            },
            { description: 'What prompts began on.' },
          ),
          started: count('Processes that were started.'),
          failed_starts: count('Starts that failed.'),
          deaths: count('Processes that ended by themselves.'),
          recycled: Recycled,
          held_back_until: maybe(time('When the next start is tried, where starts failed.')),
        },
        { description: 'Absent where no process outlives a prompt.' },
      ),
    ),
  },
  { $id: 'PoolBackend', description: 'What runs of one backend. Counts are since the start of the server.' },
)
export type PoolBackend = Static<typeof Backend>

const Limits = Type.Object(
  {
    enabled: Type.Boolean({ description: 'Processes are kept, shared and started ahead.' }),
    minimum: count('Spare processes that are kept ready.'),
    maximum: count('Processes at once.'),
    sessions_per_process: count('Sessions that share a process.'),
    keep_alive_s: seconds('How long a process without a session is kept.'),
    max_turns: count('Prompts after which a process takes no new session. 0: no limit.'),
    max_age_s: seconds('Age after which a process takes no new session. 0: no limit.'),
    process_memory_bytes: bytes('Memory after which a process takes no new session. 0: no limit.'),
  },
  { $id: 'PoolLimits', description: 'What the pool of each backend may hold.' },
)

const Queue = Type.Object(
  {
    running: count('Prompts that were let in.'),
    waiting: count('Prompts that wait.'),
    refused: count('Prompts that found no place to wait, since the start of the server.'),
    limits: Type.Object(
      {
        running: count('Prompts that run at once.'),
        waiting: count('Prompts that may wait.'),
        waiting_per_backend: count('Prompts that may wait for one backend.'),
      },
      { description: 'What may run and wait.' },
    ),
  },
  { $id: 'PoolQueue', description: 'Who waits for the agents, over all backends.' },
)

/** The answer to `GET /api/v1/pool`. */
export const PoolResponse = Type.Object(
  {
    backends: Type.Array(Backend, { description: 'The enabled backends.' }),
    queue: maybe(Queue),
    limits: maybe(Limits),
    totals: Type.Object(
      {
        running: count('Prompts under way.'),
        processes: count('Agent processes.'),
        sessions: count('Agent sessions.'),
        memory_bytes: bytes('Memory of the processes of which it is known.'),
      },
      { description: 'Over all backends.' },
    ),
  },
  { $id: 'PoolResponse', description: 'What runs at this moment.' },
)
export type PoolResponse = Static<typeof PoolResponse>
