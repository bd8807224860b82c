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

Point any client at one of these base URLs; a key is needed only where the server has keys. The examples
use the demo agent. Where agents are installed, start \`clinvk serve --demo\` for it.

| Clients | Base URL |
|---|---|
| OpenAI SDKs, Vercel AI SDK, LangChain, Open WebUI, LibreChat, Continue, aider | \`http://127.0.0.1:8080/openai/v1\` |
| OpenAI Codex (\`wire_api = "responses"\`), Cursor | \`http://127.0.0.1:8080/openai/v1\` |
| Anthropic SDKs, Vercel AI SDK, LangChain, Claude Code (\`ANTHROPIC_BASE_URL\`), OpenCode | \`http://127.0.0.1:8080/anthropic\` or \`…/anthropic/v1\` |

\`\`\`sh
curl http://127.0.0.1:8080/openai/v1/chat/completions -H 'content-type: application/json' \\
  -d '{"model": "demo", "messages": [{"role": "user", "content": "Hello!"}]}'
\`\`\`

\`\`\`json
{
  "object": "chat.completion", "model": "demo",
  "choices": [{"message": {"role": "assistant", "content": "[clinvk demo agent, no model] You said: Hello!"}, "finish_reason": "stop"}]
}
\`\`\`

\`\`\`sh
curl http://127.0.0.1:8080/anthropic/v1/messages -H 'content-type: application/json' \\
  -d '{"model": "demo", "max_tokens": 1000, "messages": [{"role": "user", "content": "Hello!"}]}'
\`\`\`

\`\`\`json
{
  "type": "message", "role": "assistant", "model": "demo", "stop_reason": "end_turn",
  "content": [{"type": "text", "text": "[clinvk demo agent, no model] You said: Hello!"}]
}
\`\`\`

The same in JavaScript, Python and a dozen tools: [connect a client](connect.md).

**Models**: a backend's name (\`claude\`), \`backend/model\` or \`backend:model\` (classes such as \`claude/fast\` too), the id of a model that a
backend lists or whose family is known (\`gpt-*\`, \`o3\`, \`claude-*\`, \`gemini-*\`), or an alias of \`chat.model_aliases\`. \`GET …/models\` lists
them. Gemini CLI and OpenCode tell their models when they are used first, so their part of the list grows then.

**A chat is a model call**: a scratch folder of its own, no tools, settings, hooks or MCP servers of the agent (\`chat.profile: pure\`). The header
\`x-clinvk-profile: project\` or \`full\` and \`x-clinvk-workdir\` give it more, up to \`chat.max_profile\`. A backend that cannot do with so little
runs with the least it can, unless \`chat.max_profile\` is set; the answer's \`x-clinvk-profile\` says which. What the official CLIs put into every
call stays: about 1 KB on Claude Code (folder, platform, date), the folder on Gemini CLI.

**History** reaches the agent as true roles on claude and codex; over ACP, which has no place for it, clearly delimited in the first prompt.
System and developer messages, wherever they stand, are the system prompt, in their order; only Anthropic's behind the first answer, which
Claude Code uses for reminders, stay at their place, as the user's. Earlier thinking is not given to the agent again.

**Images and files**: PNG, JPEG, GIF and WebP reach every agent whose model sees. Text files are given as text. PDFs are taken by claude, gemini and
opencode; codex has no place for them and refuses. http(s) URLs are fetched only with \`chat.fetch_images\`, from public addresses.

**Tools**: the request's tools are offered to the agent's model on claude, codex, gemini and opencode. When the model calls some, the answer ends with
them (\`tool_calls\`, \`function_call\`, \`tool_use\`) and the agent waits; the request that brings the results goes on with it. If the results come
later than \`chat.tool_result_timeout_secs\`, after a restart or with an edited history, an agent that is told the whole conversation again answers them.
A call that the client abandons counts as not carried out. A request has 1000 tools at most, and a schema 50 levels of JSON.

- **The agent's own tools** are off, unless the profile says otherwise. What they do is never told as a call.
- **\`tool_choice\`**: \`required\` and named tools work where the table of [backends](backends.md) says so, else they are a 400.
- **Ids**: if the history uses the id of a call again, the call is told with a number behind its id.
- **claude, codex**: the model sees the tools under their own names.
- **opencode**: the model sees them behind a prefix, because OpenCode knows no other way.
- **gemini**: the model sees them as \`mcp_NAME\`, because Gemini CLI knows no other way, and calls them one at a time.
  - If a tool is named like one of Gemini CLI's own, it has a number behind its name: \`ask_user\`, and under \`project\` and \`full\` the others too.
  - \`required\` and named tools need a model that Gemini CLI does not choose itself: \`gemini/gemini-2.5-pro\`, \`gemini/fast\`, or plain \`gemini\` if
    \`backends.gemini.model\` or \`GEMINI_MODEL\` in the backend's environment names one.
  - If a chat has no tools and its model calls some again and again, that is an error (502, \`agent_failed\`).

**Answers in JSON**: \`response_format\`, \`text.format\` and \`output_config.format\` hold the model to a schema by the agent's own means (claude, codex), else
by instruction. Every answer is checked here; one that does not fit is repaired once, and an error (502, \`answer_invalid\`) if it still does not fit. A
stream of such an answer comes in one piece, when it is known to fit; only thinking comes earlier. What the model says besides is left out; beside
calls of tools it is told as thinking, since SDKs parse all text as the answer; a refusal and what a limit cut are text. One that a stop sequence cuts
has to fit as well. A schema has 50 levels at most, 2000 objects and lists and 20 000 values; one that refers to itself without end, or whose use takes
too long, is a 400. The CLIs have rules of their own:

- **claude**: Claude Code has the model call a tool with the answer. A model that answers in text is asked for that call once, which is the repair: its
  text counts then, if it fits, and has taken two model calls.
- **codex**: OpenAI's strict mode knows no maps and no "anything" (\`additionalProperties\` with a schema, \`patternProperties\`, \`{}\`): such a schema is
  held to by instruction. In others all members are required and optional ones may be null, which is undone here; further members
  (\`additionalProperties: true\`) are not given; what strict mode does not know and only narrows the answer is checked here alone.
- **Refusals** are told as such on claude and opencode. Codex drops OpenAI's words of refusal, so the answer is empty, with the stop reason. Gemini CLI
  says that its turn ended well: the model is asked to correct its refusal, and the answer is an error if it refuses again.

**Never twice**: if a run failed or its client left, a client's own retries do not run it again.

- Failures carry \`x-should-retry: false\`. For clients that do not listen, an equal request gets the same failure for \`chat.replay_guard_secs\` (two
  minutes), with \`x-clinvk-replay: replayed\`; a \`retry-after\` says no less than that.
- If the client left before any answer, an equal request is a 409 for 15 s, then a new one.
- \`x-clinvk-replay: off\` switches both off.
- Successes are replayed only for a request with an \`Idempotency-Key\`: its run goes on without its client, and [the same key finds it](sessions.md).

**Too many at once**: a chat waits for its place, and its stream begins at once and is kept alive. Where as many wait as may, the answer is a 429 with a
\`retry-after\`, which the SDKs heed: nothing was run, so no failure is kept. Nor
is anything run for a client that leaves while waiting.

**In the background**: a response with \`background: true\` (\`openai/v1/responses\`) is answered at once and made whether its client stays or leaves. \`GET …/{id}\`
tells it as far as it is; \`?stream=true\` streams its events from the first on, live to the end, and \`&starting_after=N\` those behind number N: none missing, none
twice. It is a [run](sessions.md#runs) (\`kind\` \`response\`), kept \`session.retention_days\`: a later server tells it as well, as \`failed\` where the last one ended in the middle
of it. \`DELETE\` removes it. To go on from it with \`previous_response_id\`, or to list its \`input_items\`, it has to be complete and in memory, as any other.

**Tokens** are what the agent tells. An answer that was cut at a stop sequence has none: the agent was interrupted. Gemini CLI tells no thinking or
cached tokens, and neither it nor OpenCode says that a limit cut an answer. Nor do these two tell any while calls wait, so an answer that ends with calls has
no \`usage\` (0 where Anthropic's form wants a number). The answer after the last results has, on gemini, those of all calls of the model since its agent was
asked, and on opencode those of its own.

**From a container or another machine**: the name that clients call the server by has to be in \`server.allowed_hosts\` (such as
\`host.docker.internal\`); a web page needs its origin in \`server.cors_allowed_origins\`. Clients that ask for titles and tags of their own cost a
run each: switch that off there, or give them a small model.

| Header of an answer | Meaning |
|---|---|
| \`x-clinvk-backend\` | the backend that answered |
| \`x-clinvk-profile\` | the profile that the agent ran with |
| \`x-clinvk-without-effect\` | fields of the request that changed nothing |
| \`x-clinvk-start\`, \`x-clinvk-wait\` | what the turn began on, and how long it waited in the [queue](http-api.md#the-queue), where that is known in time |
| \`x-request-id\` (OpenAI), \`request-id\` (Anthropic) | the request's id |

## Fields

Fields that are not listed are ignored.`

const TAIL = `## Other endpoints

| Method | Path | What it does |
|---|---|---|
| GET | \`/openai/v1/models\`, \`/openai/v1/models/{id}\` | lists the models, tells one |
| GET, DELETE | \`/openai/v1/responses/{id}\` | tells a stored response, or streams one that was made in the background; removes it |
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
