import { type Static, Type } from '@sinclair/typebox'
import { flag, oneOf, optionalText, seconds, section, texts, whole } from './kinds.ts'
import {
  APPROVAL_MODES,
  BACKEND_NAME,
  BackendSchema,
  type ResolvedBackend,
  SANDBOX_MODES,
} from './schema-backend.ts'
import { ChatSchema } from './schema-chat.ts'
import { PoolSchema } from './schema-pool.ts'
import { ServerSchema } from './schema-server.ts'

const OUTPUT_FORMATS = ['text', 'json', 'stream-json'] as const

/** The whole configuration file: every key with its meaning, unit, range and default. */
export const ConfigSchema = section('The configuration of clinvk.', {
  default_backend: optionalText(
    'Backend for requests that name none. Not set: the first that is ready, never the demo agent.',
    { emptyIsUnset: true },
  ),
  unified_flags: section('Settings for every backend, unless the backend or the request says otherwise.', {
    approval_mode: oneOf(APPROVAL_MODES, {
      description:
        'Who decides when an agent wants to act. none approves everything, always asks for everything.',
      default: 'default',
      emptyIsUnset: true,
    }),
    sandbox_mode: oneOf(SANDBOX_MODES, {
      description: 'What an agent may touch at most.',
      default: 'default',
      emptyIsUnset: true,
    }),
    verbose: flag('Whether to tell more about what happens.', false),
    dry_run: flag('Whether only to show what would be run.', false),
    max_turns: whole(0, {
      description: 'Model calls that one prompt may take. 0: no limit.',
      unit: 'turns',
      minimum: 0,
    }),
    max_tokens: whole(0, {
      description: "Tokens that one answer may have. 0: the agent's own limit.",
      unit: 'tokens',
      minimum: 0,
    }),
    command_timeout_secs: seconds('How long one prompt may take in all. 0: no limit.', 0),
  }),
  backends: Type.Record(Type.String({ pattern: BACKEND_NAME }), BackendSchema, {
    description: 'The agents, by name.',
    keyExpects: 'a name of lower-case letters, digits and single hyphens',
    default: {},
  }),
  session: section('Sessions that are kept.', {
    auto_resume: flag('Whether a prompt continues the last session of the same backend and folder.', false),
    retention_days: whole(30, {
      description: 'Days that a session is kept after its last use. 0: no limit.',
      unit: 'days',
      minimum: 0,
      maximum: 36_500,
    }),
    store_token_usage: flag('Whether token counts are kept with a session.', true),
    default_tags: texts('Tags that every new session gets.'),
  }),
  output: section('What the command line prints.', {
    format: oneOf(OUTPUT_FORMATS, {
      description: 'Form of the answer.',
      default: 'text',
      emptyIsUnset: true,
    }),
    show_tokens: flag('Whether to print token counts after an answer.', false),
    show_timing: flag('Whether to print how long an answer took.', false),
    color: flag('Whether to print in colour, where the terminal can.', true),
  }),
  server: ServerSchema,
  chat: ChatSchema,
  parallel: section('Many prompts at once.', {
    max_workers: whole(3, {
      description: 'Prompts that one request runs at the same time. More than 32 counts as 32.',
      minimum: 1,
    }),
    fail_fast: flag('Whether the first failure cancels the others.', false),
    aggregate_output: flag('Whether all answers are printed together at the end.', true),
  }),
  pool: PoolSchema,
  conversations: section('Agents that are kept running between prompts.', {
    keep_alive_secs: seconds('How long an agent without work is kept. 0: it ends with its turn.', 600),
    max_live: whole(4, {
      description:
        'Conversations without work whose agent is kept running at most, of agents with a process for each.',
      minimum: 0,
    }),
    max_shared: whole(64, {
      description: 'The same for agents whose conversations share processes.',
      minimum: 0,
    }),
  }),
})

/** The file's content with every default filled in. */
export type ConfigFile = Static<typeof ConfigSchema>

/** The configuration that the program runs on: complete, checked, paths absolute. */
export type Config = DeepReadonly<
  Omit<ConfigFile, 'backends'> & {
    /** Every known backend and every one of the user's own. */
    backends: Record<string, ResolvedBackend>
  }
>

/** One entry of {@link Config}'s `backends`. */
export type BackendConfig = DeepReadonly<ResolvedBackend>

/** `T`, with nothing in it that can be changed. */
type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T
