import type { TSchema } from '@sinclair/typebox'
import { CountTokensRequest, MessagesRequest } from '../../../src/server/anthropic/schema.ts'
import { ChatCompletionRequest } from '../../../src/server/openai/request-schema.ts'
import { CreateResponse } from '../../../src/server/openai/responses/schema.ts'
import { cell } from './schema-table.ts'

/** What clinvk does with every field of the chat endpoints. */
export function chatApisPage(): string {
  const sections = ENDPOINTS.map(([title, schema]) => `### ${title}\n\n${handlingTable(schema)}`)
  return `${[HEAD, ...sections, TAIL].join('\n\n')}\n`
}

const ENDPOINTS: readonly (readonly [title: string, schema: TSchema])[] = [
  ['POST /openai/v1/chat/completions', ChatCompletionRequest],
  ['POST /openai/v1/responses', CreateResponse],
  ['POST /anthropic/v1/messages', MessagesRequest],
  ['POST /anthropic/v1/messages/count_tokens', CountTokensRequest],
]

const HEAD = `# Chat clients: OpenAI and Anthropic

<!-- Generated from the schemas by \`bun run docs\`. -->

Point any client at one of these base URLs; a key is needed only where the server has keys.

| Clients | Base URL |
|---|---|
| OpenAI SDKs, Vercel AI SDK, LangChain, Open WebUI, LibreChat, Continue, aider | \`http://127.0.0.1:8080/openai/v1\` |
| Anthropic SDKs, Vercel AI SDK, LangChain | \`http://127.0.0.1:8080/anthropic\` or \`…/anthropic/v1\` |

\`\`\`python
from openai import OpenAI

client = OpenAI(base_url="http://127.0.0.1:8080/openai/v1", api_key="not-needed")
answer = client.chat.completions.create(model="claude", messages=[{"role": "user", "content": "Hello!"}])
\`\`\`

**Models**: a backend's name (\`claude\`), \`backend/model\` or \`backend:model\`, the id of a model that a backend lists or whose family is known
(\`gpt-*\`, \`o3\`, \`claude-*\`, \`gemini-*\`), or an alias of \`chat.model_aliases\`. \`GET …/models\` lists them.

**A chat is a model call**: a scratch folder of its own, no tools, settings, hooks or MCP servers of the agent (\`chat.profile: pure\`). The header
\`x-clinvk-profile: project\` or \`full\` and \`x-clinvk-workdir\` give it more, up to \`chat.max_profile\`. A backend that cannot do with so little
runs with the least it can, unless \`chat.max_profile\` is set; the answer's \`x-clinvk-profile\` says which.

**History** reaches the agent as true roles on claude and codex; over ACP, which has no place for it, clearly delimited in the first prompt.

**Never twice**: a run that failed or was left is not run again by a client's own retries. Failures carry \`x-should-retry: false\`; for clients that
do not listen, an equal request within two minutes gets the same failure, and \`retry-after\` says no less than that. \`x-clinvk-replay: off\` switches that off. Successes are never replayed.

| Header of an answer | Meaning |
|---|---|
| \`x-clinvk-backend\` | the backend that answered |
| \`x-clinvk-profile\` | the profile that the agent ran with |
| \`x-clinvk-without-effect\` | fields of the request that changed nothing |
| \`x-request-id\` (OpenAI), \`request-id\` (Anthropic) | the request's id |

## Fields

Fields that are not listed are ignored.`

const TAIL = `## Other endpoints

| Method | Path | What it does |
|---|---|---|
| GET | \`/openai/v1/models\`, \`/openai/v1/models/{id}\` | lists the models, tells one |
| GET, DELETE | \`/openai/v1/responses/{id}\` | tells a stored response, removes it |
| GET | \`/openai/v1/responses/{id}/input_items\` | lists what it was made from |
| POST | \`/openai/v1/responses/{id}/cancel\` | stops one that is being made |
| GET | \`/anthropic/v1/models\`, \`/anthropic/v1/models/{id}\` | lists the models by pages, tells one |

Responses are stored in memory, for 24 hours after their last use at most. \`count_tokens\` tells on claude what
its provider counts; other agents cannot count without a model call, clinvk does not estimate, and the answer is 404.`

function handlingTable(schema: TSchema): string {
  const rows = Object.entries<TSchema>(schema['properties'] ?? {}).map(([name, field]) => {
    const meaning = meaningOf(field)
    return `| \`${name}\` | ${handlingOf(name, meaning)} | ${cell(meaning)} |`
  })
  return ['| Field | Handling | Meaning |', '|---|---|---|', ...rows].join('\n')
}

function meaningOf(field: TSchema): string {
  const inner = (field['anyOf'] as TSchema[] | undefined)?.find(
    ({ description }) => description !== undefined,
  )
  return field.description ?? inner?.description ?? ''
}

function handlingOf(name: string, meaning: string): string {
  if (/without effect/i.test(meaning)) return 'without effect'
  if (/^refused/i.test(meaning)) return 'refused'
  if (/where the backend can|nearest step/i.test(meaning)) return 'supported where the agent can'
  if (EMULATED.has(name)) return 'emulated'
  return 'supported'
}

/** What no agent knows and clinvk does itself. */
const EMULATED: ReadonlySet<string> = new Set(['stop', 'stop_sequences', 'previous_response_id', 'store'])
