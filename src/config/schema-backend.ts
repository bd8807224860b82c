import { type Static, Type } from '@sinclair/typebox'
import { oneOf, optionalText, section, texts } from './kinds.ts'

export const APPROVAL_MODES = ['default', 'auto', 'none', 'always'] as const
export const SANDBOX_MODES = ['default', 'read-only', 'workspace', 'full'] as const
export const DRIVERS = ['claude', 'codex', 'acp', 'exec', 'demo'] as const

/** The protocol that an agent is spoken to in. */
export type Driver = (typeof DRIVERS)[number]

/** Backends that need no `driver` and no `command`, with the driver that each has by itself. */
export const KNOWN_BACKENDS = {
  claude: 'claude',
  codex: 'codex',
  gemini: 'acp',
  opencode: 'acp',
  demo: 'demo',
} as const satisfies Record<string, Driver>

/** What a backend's name may look like. No underscore, so that `CLINVK_<NAME>_MODEL` names one backend only. */
export const BACKEND_NAME = '^[a-z0-9]+(-[a-z0-9]+)*$'

/** `backends.<name>` as it is written. */
export const BackendSchema = section('One agent.', {
  enabled: Type.Boolean({ description: 'Whether requests may use this backend.', default: true }),
  driver: Type.Optional(
    oneOf(DRIVERS, {
      description:
        'How to speak to the agent. claude, codex, gemini, opencode and demo have one by themselves; any other backend needs it.',
    }),
  ),
  command: Type.Optional(
    Type.Array(Type.String({ minLength: 1 }), {
      description:
        'Program and arguments that start the agent; {model} in an argument of an exec backend stands for the model. claude, codex, gemini and opencode have one by themselves; any other backend needs it.',
      minItems: 1,
      expects: 'a list with the program and its arguments, such as ["ollama", "run", "llama3"]',
    }),
  ),
  env: Type.Record(Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]*$' }), Type.String({ secret: true }), {
    description: "Variables added to the agent's environment.",
    keyExpects: 'the name of an environment variable',
    default: {},
  }),
  output: Type.Optional(
    oneOf(['text', 'json'], {
      description:
        'What a backend with the driver exec prints: text (the default), or one JSON object a line.',
    }),
  ),
  json_text_field: optionalText(
    'With output json: the member of each object that holds text of the answer. Not set: text.',
    { emptyIsUnset: true },
  ),
  model: optionalText("Model for requests that name none. Not set: the agent's own default.", {
    emptyIsUnset: true,
  }),
  models: texts('Models to list besides those that the agent tells of.'),
  model_aliases: Type.Record(Type.String(), Type.String({ minLength: 1, expects: 'the name of a model' }), {
    description: 'Names of your own for models. They win over the built-in fast, balanced and best.',
    default: {},
  }),
  system_prompt: optionalText('System prompt for requests that have none.', { emptyIsUnset: true }),
  allowed_tools: Type.Optional(
    Type.Union([Type.Array(Type.String({ minLength: 1 })), Type.String()], {
      description:
        'The only tools that the agent may use: a list, or names separated by commas. Not set, "" or all: every tool.',
      expects: 'a list of tools, names separated by commas, or all',
    }),
  ),
  approval_mode: Type.Optional(
    oneOf(APPROVAL_MODES, {
      description: 'Replaces unified_flags.approval_mode for this backend.',
      emptyIsUnset: true,
    }),
  ),
  sandbox_mode: Type.Optional(
    oneOf(SANDBOX_MODES, {
      description: 'Replaces unified_flags.sandbox_mode for this backend.',
      emptyIsUnset: true,
    }),
  ),
  extra_flags: texts("Flags that are always added to the agent's command line."),
  allowed_extra_flags: texts(
    'Flags that a request may add with its own "extra", each exactly as it is written here. Empty: none.',
  ),
})

/** `backends.<name>`, resolved: the driver is known, tools are a list. */
export type ResolvedBackend = Omit<Static<typeof BackendSchema>, 'driver' | 'allowed_tools'> & {
  driver: Driver
  /** Absent: every tool. */
  allowed_tools?: string[]
}
