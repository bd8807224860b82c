/** What somebody writes who has installed the package. */

/** A module whose types are right, in every place where they could be lost. */
export const TYPED = `import { ClinvkProblem, createClient, type Problem, type PromptRequest, type StreamEvent, streamPrompt } from 'clinvk/client'
import openapi from 'clinvk/openapi.json' with { type: 'json' }

const clinvk = createClient('http://127.0.0.1:1', { apiKey: 'key' })
const body: PromptRequest = {
  prompt: 'hi',
  approval_mode: 'auto',
  images: [{ media_type: 'image/png', data: 'AA==' }],
  metadata: { mine: 1 },
}
// @ts-expect-error There is no such mode.
export const wrong: PromptRequest = { prompt: 'hi', approval_mode: 'sometimes' }
// @ts-expect-error A prompt is needed.
await clinvk.api.v1.prompt.post({})
// @ts-expect-error There is no such route.
clinvk.api.v1.nothing

const { data, error } = await clinvk.api.v1.prompt.post(body)
if (error) {
  const problem: Problem = error.value
  problem.detail satisfies string
} else if ('response' in data) {
  data.response satisfies string
  data.token_usage?.input_tokens satisfies number | undefined
}
const list = await clinvk.api.v1.sessions.get({ query: { limit: 3 } })
list.data?.sessions[0]?.status satisfies 'idle' | 'running' | 'completed' | 'failed' | 'cancelled' | 'interrupted' | undefined
const session = clinvk.api.v1.sessions({ id: 'x' })
const whole = await session.get()
whole.data?.turns[0]?.prompt satisfies string | undefined
await session.patch({ title: 'new' })
const health = await clinvk.health.get()
health.data?.status satisfies 'ok' | 'degraded' | undefined
const parallel = await clinvk.api.v1.parallel.post({ tasks: [{ prompt: 'a' }] })
parallel.data?.results[0]?.status satisfies 'completed' | 'failed' | 'cancelled' | undefined
const events = await clinvk.api.v1.runs({ id: 'x' }).events.get({ query: { after: 3 } })
if (events.data) for await (const { data } of events.data) if (data.type === 'message') data.content satisfies string
for await (const event of streamPrompt(clinvk, body)) {
  event satisfies StreamEvent
  if (event.type === 'message') event.content satisfies string
}
new ClinvkProblem({ ...(error?.value as Problem) }).problem.code satisfies string
openapi.openapi satisfies string
`

/** The same for those who also have TypeBox. */
export const WITH_SCHEMAS = `import type { Static } from '@sinclair/typebox'
import { PromptRequest, type StreamEvent } from 'clinvk/schemas'

const request: Static<typeof PromptRequest> = { prompt: 'hi' }
// @ts-expect-error A prompt is a text.
export const wrong: PromptRequest = { prompt: 1 }
declare const event: StreamEvent
if (event.type === 'message') event.content satisfies string
request satisfies PromptRequest
`

/** A program that asks the server at its first argument, and prints what it was told as JSON. */
export const ASK = `import { createClient, streamPrompt } from 'clinvk/client'
import { PromptRequest } from 'clinvk/schemas'

const clinvk = createClient(process.argv[2])
const { data } = await clinvk.api.v1.prompt.post({ backend: 'demo', prompt: 'demo: say=2026-01-02T03:04:05Z' })
const { error } = await clinvk.api.v1.prompt.post({ backend: 'none', prompt: 'hi' })
let streamed = ''
for await (const event of streamPrompt(clinvk, { backend: 'demo', prompt: 'hello there' }))
  if (event.type === 'message') streamed += event.content
const all = async (events) => { const found = []; for await (const event of events) found.push(event); return found }
const failed = await all(streamPrompt(clinvk, { backend: 'demo', prompt: 'demo: say=a; fail=529 busy' })).catch(
  (failure) => failure,
)
for await (const event of streamPrompt(clinvk, { backend: 'demo', prompt: 'demo: say=here; hang' }))
  if (event.type === 'message') break
const { data: session } = await clinvk.api.v1.sessions({ id: data.session_id }).get()
console.log(
  JSON.stringify({
    response: data.response,
    code: error.value.code,
    streamed,
    failed: [failed.name, failed.problem?.code],
    turns: session.turns.length,
    required: PromptRequest.required,
  }),
)
`
