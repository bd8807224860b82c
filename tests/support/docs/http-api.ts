import type { TSchema } from '@sinclair/typebox'
import { ERROR_TABLE } from '../../../src/errors.ts'
import { ChainRequest, ChainResponse } from '../../../src/server/rest/chain/schema.ts'
import { CompareRequest, CompareResponse } from '../../../src/server/rest/compare/schema.ts'
import { ParallelRequest, ParallelResponse } from '../../../src/server/rest/parallel/schema.ts'
import { PromptRequest, PromptResponse, StreamEvent } from '../../../src/server/rest/schema.ts'
import { cell, fieldTable, valuesOf } from './schema-table.ts'

/** The reference of the REST API. */
export function httpApiPage(): string {
  return `${[HEAD, '### Request', fieldTable(PromptRequest), FORMS, '### Answer', fieldTable(PromptResponse), STREAM, eventTable(), QUEUE, SEVERAL, ...several('parallel', ParallelRequest, ParallelResponse), ...several('chain', ChainRequest, ChainResponse), ...several('compare', CompareRequest, CompareResponse), AFTER, errorTable()].join('\n\n')}\n`
}

const HEAD = `# HTTP API

<!-- Generated from the schemas by \`bun run docs\`. -->

A running server describes itself at \`/docs\` (to read) and \`/openapi.json\` (OpenAPI 3.1).

| Method | Path | What it does |
|---|---|---|
| POST | \`/api/v1/prompt\` | runs one prompt |
| POST | \`/api/v1/parallel\`, \`/api/v1/chain\`, \`/api/v1/compare\` | run [several prompts](orchestration.md): side by side, one after another, on several backends |
| GET, PATCH, DELETE, POST | \`/api/v1/sessions\` … | [sessions](sessions.md): list, read, change, delete, go on, fork |
| GET, POST | \`/api/v1/runs\` … | [runs](sessions.md#runs): list, read, follow, cancel |
| GET | \`/api/v1/backends\` | lists the backends: version, whether each is ready or why not, models, capabilities |
| GET | \`/api/v1/pool\` | tells what runs: agent processes, what prompts began on, who waits |
| GET | \`/metrics\` | the same and more [for Prometheus](metrics.md), where \`server.metrics_enabled\` is set |
| GET | \`/health\` | \`{"status":"ok", …}\`; needs no key. \`degraded\` where a backend that is configured is not installed. It never waits for an agent: one that is still being looked at, as after the start, is told as not ready |

## POST /api/v1/prompt

The examples use the demo agent. Where agents are installed, start \`clinvk serve --demo\` for it.

\`\`\`sh
curl http://127.0.0.1:8080/api/v1/prompt -H 'content-type: application/json' -d '{"backend": "demo", "prompt": "hello"}'
\`\`\``

const FORMS = `An unknown field, a wrong type or an option that the backend cannot honour is refused; nothing is ignored.

### Forms of the answer

| Ask for it with | Answer |
|---|---|
| nothing | one JSON object |
| \`"stream": true\` or \`Accept: text/event-stream\` | server-sent events: \`id\` is the sequence, \`event\` the type, \`data\` the event |
| \`"output_format": "stream-json"\` or \`Accept: application/x-ndjson\` | a JSON event a line |
| \`Accept: text/plain\` | the text of the answer alone |

A prompt with the \`session_id\` of an earlier answer goes on with that conversation, in the same live agent where it still runs. Sessions and
runs are kept: [how to go on, branch, run in the background and come back](sessions.md). A client that leaves cancels its turn, unless it asked for another.`

const STREAM = `### Events of a stream

Every event has \`type\`, \`backend\`, \`session_id\`, \`timestamp\`, \`sequence\` (from 1, without gaps) and \`content\`. The first is
\`init\`; a prompt that waits in the queue sends \`progress\` before it. The last is \`done\` or \`error\`, and a stream without one of them was cut.
Silence is bridged by comments (SSE) or \`progress\` events (NDJSON).`

const QUEUE = `## The queue

At most \`pool.max_running\` prompts run at once, and of each backend as many as its processes can take. More wait, \`pool.queue\` of them and
\`pool.queue_per_backend\` for one backend; what comes then is a 429 with the code \`queue_full\` and a \`Retry-After\`, whatever API it came by, and
nothing of it was run. API keys take turns, so a client with many prompts does not hold up another's first one; a backend that is busy does not
keep the others from running. Turns of one session wait for each other first. A prompt that waits counts against no time limit, a chat that waits
for its client's tools takes no place, and nothing is run for a client that leaves while waiting.

A stream begins at once and tells by \`progress\` events of the kind \`queue\` how many prompts go first; chat streams are kept alive meanwhile. Of
several prompts, one that finds the queue full fails alone.

| Header of an answer | Meaning |
|---|---|
| \`x-clinvk-start\` | what the turn began on: \`warm\`, a conversation that its agent had open; \`spare\`, a process that ran already; \`cold\`, one that was started for it |
| \`x-clinvk-wait\` | how long it waited in the queue, in ms |

Prompts and chats have them. They are absent where the headers go out before the agent is there: of streams that began with waiting or took 3 s, of JSON
answers that take minutes, and of what runs in the background. The \`init\` event and the answer tell the same as \`start\` and \`waited_ms\`, and the results
of several prompts do.`

const SEVERAL = `## Several prompts at once

What they do, with examples: [several prompts at once](orchestration.md). The tables list only what is added to a prompt's own fields; in results
the turn's id is \`run_id\`. Every answer is a 200 once nothing is wrong with the request, and each result has its own \`status\`. They stream as a prompt
does: each event has its \`task\` or \`step\` and \`name\`, or its \`backend\`, and the last event, \`done\` or \`error\`, none of them.`

/** What an endpoint has besides a prompt's own fields. */
function several(name: string, request: TSchema, response: TSchema): string[] {
  return [
    `### POST /api/v1/${name}`,
    besides(request, PromptRequest, ['prompt', 'dry_run', 'stream', 'output_format']),
    besides(response, PromptResponse, ['id']),
  ]
}

function besides(schema: TSchema, known: TSchema, wanted: readonly string[]): string {
  const names = Object.keys(known['properties']).filter((name) => !wanted.includes(name))
  const left = RegExp(`^\\| \`((\\w+\\[\\]\\.)?(${names.join('|')})[\`[.]|results\\[\\]\\.error\\.)`)
  return fieldTable(schema)
    .split('\n')
    .filter((row) => !left.test(row))
    .join('\n')
}

const AFTER = `## Errors

Every error is \`application/problem+json\` (RFC 9457) with its real HTTP status: \`type\`, \`title\`, \`status\`, \`detail\` (what to do), \`code\`,
\`retryable\`, \`instance\` (the request's id, also in \`x-request-id\`), and what belongs to the code. What a model provider refused keeps the
provider's status. Once a stream has begun, the same object is the \`content\` of its \`error\` event.`

function eventTable(): string {
  const members: TSchema[] = StreamEvent['anyOf']
  const rows = members.map((event) => {
    const { type, content } = event['properties']
    return `| ${valuesOf(type)} | ${contentOf(content)} | ${cell(event.description ?? content?.description ?? '')} |`
  })
  return ['| `type` | `content` | Meaning |', '|---|---|---|', ...rows].join('\n')
}

function contentOf(content: TSchema): string {
  if (content['anyOf']) return (content['anyOf'] as TSchema[]).map(contentOf).join(' or ')
  const names = Object.keys(content['properties'] ?? {})
  return names.length === 0 ? (content['type'] ?? 'any') : names.map((name) => `\`${name}\``).join(', ')
}

function errorTable(): string {
  const rows = Object.entries(ERROR_TABLE).map(
    ([code, { status, title }]) => `| \`${code}\` | ${status} | ${title} |`,
  )
  return ['| `code` | Status | Title |', '|---|---|---|', ...rows].join('\n')
}
