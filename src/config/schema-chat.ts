import { Type } from '@sinclair/typebox'
import { FOLDER, flag, oneOf, optionalText, seconds, section, whole } from './kinds.ts'

/** How much of the user's own set-up an agent brings along, least first. */
export const CHAT_PROFILES = ['pure', 'project', 'full'] as const

/** `chat`. */
export const ChatSchema = section('The OpenAI and Anthropic endpoints.', {
  profile: oneOf(CHAT_PROFILES, {
    description:
      "What a chat runs on. pure: a model call, without the agent's tools and any settings. project: the agent with its tools and what its folder sets up. full: the agent as its user runs it.",
    default: 'pure',
  }),
  max_profile: Type.Optional(
    oneOf(CHAT_PROFILES, {
      description:
        'The most that a request may ask for with the header x-clinvk-profile. Not set: the same as profile.',
    }),
  ),
  workdir: optionalText(
    'Folder that chats work in; the header x-clinvk-workdir names another. Not set: a fresh private folder for each.',
    FOLDER,
  ),
  fetch_images: flag(
    'Whether images that requests name by http(s) URL are fetched by the server; from public addresses only.',
    false,
  ),
  replay_guard_secs: seconds(
    'How long a request that equals one that failed is answered with the same failure, so that no retry of a client runs an agent again. 0: never.',
    120,
  ),
  tool_result_timeout_secs: seconds(
    "How long an agent waits for the results of a client's tools. Results that come later are answered all the same, by an agent that is told the whole conversation again.",
    600,
  ),
  max_waiting_turns: whole(16, {
    description:
      "How many agents may wait for the results of clients' tools at once; the one that waits longest goes first.",
    minimum: 1,
  }),
  model_aliases: Type.Record(
    Type.String(),
    Type.String({ minLength: 1, expects: 'a backend, or backend/model' }),
    {
      description: 'Names of your own for models: each for a backend, or for backend/model.',
      default: {},
    },
  ),
})
