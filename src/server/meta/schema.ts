import { type Static, Type } from '@sinclair/typebox'
import { words } from '../words.ts'

const text = (description: string) => Type.String({ description })
const flag = (description: string) => Type.Boolean({ description })
const support = (description: string) =>
  words(['native', 'emulated', 'none'], {
    description: `${description} native: by the agent itself; emulated: by clinvk; none: refused.`,
  })
const modes = <const T extends readonly string[]>(names: T, description: string) =>
  Type.Partial(
    Type.Object(
      Object.fromEntries(names.map((name) => [name, support(`${name}:`)])) as Record<
        T[number],
        ReturnType<typeof support>
      >,
    ),
    { description },
  )

const Capabilities = Type.Object(
  {
    deltas: flag('Text arrives while it is written.'),
    thinking: flag("The model's thinking is visible."),
    tool_events: flag('Tool calls and their results are visible.'),
    usage: flag('Tokens are told.'),
    cost: flag('Cost is told.'),
    images: support('Images in a prompt.'),
    documents: support('PDFs in a chat.'),
    system_prompt: support('system_prompt.'),
    model: support('model.'),
    max_turns: support('max_turns.'),
    max_tokens: support('max_tokens.'),
    allowed_tools: support('allowed_tools.'),
    extra: support('extra.'),
    resume: flag('A session outlives the agent process.'),
    fork: flag('A session can be continued in two ways.'),
    history: support('Earlier messages given to a new session.'),
    json_schema: support('Answers of a given JSON Schema.'),
    client_tools: support('Tools that the caller runs.'),
    tool_choice: support("Making the model call one of the caller's tools."),
    approval_modes: modes(['default', 'auto', 'none', 'always'], 'The approval modes; others are refused.'),
    effort: support('How much the model of a chat thinks.'),
    profiles: Type.Array(words(['pure', 'project', 'full'], { description: 'A profile.' }), {
      description: 'What a chat can be given of the agent: nothing, what the folder sets up, or all.',
    }),
    sandbox_modes: modes(
      ['default', 'read-only', 'workspace', 'full'],
      'The sandbox modes; others are refused.',
    ),
  },
  { $id: 'Capabilities', description: 'What can be asked of a backend.' },
)

const Backend = Type.Object(
  {
    name: text('Name, for the backend of a prompt.'),
    driver: words(['claude', 'codex', 'acp', 'exec', 'demo'], {
      description: 'The protocol that the agent is spoken to in.',
    }),
    available: flag('The program is installed.'),
    ready: flag('A prompt can be expected to work.'),
    reason: Type.Optional(text('Why it is not ready, and what to do about it.')),
    enabled: flag('The configuration lets prompts use it.'),
    configured: flag('The configuration names it.'),
    default: flag('Prompts that name no backend go to it.'),
    demo: flag('It is the embedded demonstration, which has no model.'),
    version: Type.Optional(text("The agent's version.")),
    models: Type.Array(text('A model.'), { description: 'Models that are known by name.' }),
    capabilities: Capabilities,
  },
  { $id: 'Backend', description: 'One backend.' },
)
export type Backend = Static<typeof Backend>

/** The answer to `GET /api/v1/backends`. */
export const BackendsResponse = Type.Object(
  { backends: Type.Array(Backend, { description: 'All of them, installed or not.' }) },
  { $id: 'BackendsResponse', description: 'The backends.' },
)
export type BackendsResponse = Static<typeof BackendsResponse>

/** The answer to `GET /health`. */
export const HealthResponse = Type.Object(
  {
    status: Type.Union([Type.Literal('ok'), Type.Literal('degraded')], {
      description:
        'degraded: a backend that the configuration names cannot be used. One that nobody configured and that is not installed does not count.',
    }),
    version: text('Version of clinvk.'),
    uptime_s: Type.Integer({ description: 'How long the server has run, in seconds.' }),
    demo: flag('Whether the demonstration backend, which has no model, is offered.'),
    backends: Type.Record(
      Type.String(),
      Type.Object(
        { ready: flag('A prompt can be expected to work.') },
        { description: 'State of one backend.' },
      ),
      { description: 'The enabled backends, by name.' },
    ),
  },
  { $id: 'HealthResponse', description: 'State of the server.' },
)
export type HealthResponse = Static<typeof HealthResponse>
