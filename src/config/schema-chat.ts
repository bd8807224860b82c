import { Type } from '@sinclair/typebox'
import { FOLDER, flag, oneOf, optionalText, seconds, section } from './kinds.ts'

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
  model_aliases: Type.Record(
    Type.String(),
    Type.String({ minLength: 1, expects: 'a backend, or backend/model' }),
    {
      description: 'Names of your own for models: each for a backend, or for backend/model.',
      default: {},
    },
  ),
})
