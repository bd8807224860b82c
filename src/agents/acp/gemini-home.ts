import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Fields, fields } from '../fields.ts'
import type { Effort } from '../messages.ts'
import { geminiFolder } from './gemini-history.ts'
import { PLACE, type Startup } from './profile.ts'

/** What is chosen in Gemini's settings. */
export interface Choices {
  readonly effort: Effort | undefined
  /** The model that is to have a second name, `FORCED`. */
  readonly forced: string | undefined
}

/**
 * A home for Gemini CLI that has the user's login and nothing else of theirs: no settings, memory, extensions, skills,
 * commands, hooks and MCP servers. Only so can they be left out: settings of the system's tier, which would come last,
 * are read from files of root alone, and flags reach but a few (0.61.0). The login is not looked at; its files are
 * linked, so that Gemini itself refreshes it in its place.
 */
export function geminiHome(
  env: Readonly<Record<string, string>>,
  settings: Fields,
  { effort, forced }: Choices,
): Required<Pick<Startup, 'env' | 'files' | 'links'>> {
  const theirs = geminiFolder(env)
  const found = theirs === undefined ? [] : LOGIN_FILES.filter((name) => existsSync(join(theirs, name)))
  return {
    env: { GEMINI_CLI_HOME: `${PLACE}/home` },
    files: {
      'home/.gemini/settings.json': JSON.stringify({
        ...(theirs === undefined ? {} : accountSettings(join(theirs, 'settings.json'))),
        ...settings,
        ...aliases(fields(settings['modelConfigs']), { ...thinking(effort), ...forcing(forced) }),
      }),
    },
    links: Object.fromEntries(found.map((name) => [`home/.gemini/${name}`, join(theirs ?? '', name)])),
  }
}

function aliases(others: Fields, customAliases: Fields): Fields {
  return Object.keys(customAliases).length === 0 ? {} : { modelConfigs: { ...others, customAliases } }
}

/** What holds a login, or a key, or whose login it is. */
const LOGIN_FILES: readonly string[] = [
  'oauth_creds.json',
  'google_accounts.json',
  'gemini-credentials.json',
  'installation_id',
  '.env',
]

/** The user's settings that say how the provider is reached: which login, who pays, how often to try again. */
function accountSettings(path: string): Fields {
  try {
    const { security, privacy, billing, general } = fields(Bun.JSONC.parse(readFileSync(path, 'utf8')))
    const { maxAttempts, retryFetchErrors } = fields(general)
    return {
      security: { auth: fields(security)['auth'] },
      privacy,
      billing,
      general: { maxAttempts, retryFetchErrors },
    }
  } catch {
    // Gemini itself would complain; a key in the environment needs no settings.
    return {}
  }
}

/**
 * How hard to think, as Gemini's presets for its two families of models have it. The middle is what they have by
 * themselves, so it needs no process of its own, and steps that no model tells apart share one.
 */
function thinking(effort: Effort | undefined): Fields {
  const step = effort === undefined ? undefined : STEPS[effort]
  if (step === undefined) return {}
  const preset = (thinkingConfig: Fields) => ({
    extends: 'chat-base',
    modelConfig: { generateContentConfig: { thinkingConfig } },
  })
  return {
    'chat-base-2.5': preset({ thinkingBudget: step.budget }),
    'chat-base-3': preset({ thinkingLevel: step.level }),
  }
}

/** The name under which a model has to call a tool. */
export const FORCED = 'clinvk-calls-a-tool'

/**
 * An alias is used for the first model call of a prompt; those that follow results of tools are made with the model's
 * own settings (0.61.0). So it is not made to call tools for ever.
 */
function forcing(model: string | undefined): Fields {
  if (model === undefined) return {}
  const generateContentConfig = { toolConfig: { functionCallingConfig: { mode: 'ANY' } } }
  return {
    [FORCED]: {
      extends: model.startsWith('gemini-2') ? 'chat-base-2.5' : 'chat-base-3',
      modelConfig: { model, generateContentConfig },
    },
  }
}

interface Step {
  /** Tokens. Between what each of the 2.5 models takes at least (512) and at most (24576). */
  readonly budget: number
  /** Of the levels, every model of the third generation has these two. */
  readonly level: 'LOW' | 'HIGH'
}

const LITTLE: Step = { budget: 1024, level: 'LOW' }
const MUCH: Step = { budget: 24_576, level: 'HIGH' }

const STEPS: Readonly<Record<Effort, Step | undefined>> = {
  none: { budget: 512, level: 'LOW' },
  minimal: { budget: 512, level: 'LOW' },
  low: LITTLE,
  medium: undefined,
  high: MUCH,
  xhigh: MUCH,
  max: MUCH,
}
