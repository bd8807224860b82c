/** Every metric of `/metrics`, without its prefix. The registry and the table of the documentation are made from this. */

/** What all names begin with. */
export const PREFIX = 'clinvk_'

/** One metric. Each label has few values, none of which a client can make up. */
export interface Definition<L extends string = string> {
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly labels: readonly L[]
  /** Upper ends of a histogram's buckets. */
  readonly buckets?: readonly number[]
}

const counter = <const L extends string>(help: string, ...labels: readonly L[]) =>
  ({ type: 'counter', help, labels }) as const
const gauge = <const L extends string>(help: string, ...labels: readonly L[]) =>
  ({ type: 'gauge', help, labels }) as const
const histogram = <const L extends string>(
  help: string,
  buckets: readonly number[],
  ...labels: readonly L[]
) => ({ type: 'histogram', help, labels, buckets }) as const

// An agent is let in at once or after other turns; it speaks within seconds and may work for an hour.
const WAITS = [0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900]
const FIRST_TEXTS = [0.1, 0.25, 0.5, 1, 1.5, 2, 3, 5, 10, 20, 30, 60, 120]
const TURNS = [0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600]
const REQUESTS = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300]

export const METRICS = {
  build_info: gauge('Always 1; the label is the version.', 'version'),

  processes: gauge('Agent processes: starting, spare, idle, busy, or leaving.', 'backend', 'state'),
  sessions: gauge('Agent sessions that live in those processes.', 'backend'),
  process_memory_bytes: gauge('Memory of the agent processes, where it is known.', 'backend'),
  process_starts_total: counter('Agent processes that were started.', 'backend'),
  process_start_failures_total: counter('Starts of agent processes that failed.', 'backend'),
  process_deaths_total: counter('Agent processes that ended by themselves.', 'backend'),
  process_recycled_total: counter(
    'Agent processes that were replaced or let go, by why.',
    'backend',
    'reason',
  ),
  sessions_opened_total: counter(
    'What prompts began on: a live session (warm), or a new one in a running process (spare) or a new process (cold).',
    'backend',
    'start',
  ),

  queue_running: gauge('Turns under way.', 'backend'),
  queue_waiting: gauge('Turns that wait for their turn.', 'backend'),
  queue_refused_total: counter('Turns that found no place to wait.'),
  queue_wait_seconds: histogram('How long turns waited before they began.', WAITS, 'backend'),

  turns_total: counter(
    'Turns that ended: done, cancelled, or the code of the error. One that waits for tools of the client counts once for each part.',
    'backend',
    'outcome',
  ),
  turn_seconds: histogram(
    'From the start of a turn to its end, with its wait and with slow readers.',
    TURNS,
    'backend',
  ),
  first_text_seconds: histogram(
    'From the start of a turn to its first text, without its wait in the queue and the time its reader took.',
    FIRST_TEXTS,
    'backend',
    'start',
  ),
  tokens_total: counter(
    'Tokens, where the agent tells them. cached is part of input, reasoning part of output.',
    'backend',
    'kind',
  ),
  cost_usd_total: counter('US dollars, where the agent tells them.', 'backend'),

  http_requests_total: counter('Requests that were answered.', 'route', 'method', 'status'),
  http_request_seconds: histogram('From a request to the head of its answer.', REQUESTS, 'route'),
  http_streams: gauge('Streamed answers that are open.'),

  observer_failures_total: counter('Times that measuring failed. What was measured went on.'),
} as const satisfies Readonly<Record<string, Definition>>
