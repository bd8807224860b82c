import { join } from 'node:path'
import { type Fields, fields } from '../fields.ts'

/** The part of the user's own settings that a session needs although it is to run without them. */
export interface UserSettings {
  /** Settings that tell how to log in. */
  readonly settings: Fields
  /** Variables that lead to the provider and log in there. */
  readonly env: Readonly<Record<string, string>>
  /** Patterns of the user's own instructions, which are found from any folder below the home directory. */
  readonly instructions: readonly string[]
}

/**
 * Reads what the user's `settings.json` says about logging in: a key helper and the way to a cloud provider would
 * be lost with the rest of it. A missing or broken file says nothing.
 */
export async function readUserSettings(env: Readonly<Record<string, string>>): Promise<UserSettings> {
  const folder = env['CLAUDE_CONFIG_DIR'] ?? join(env['HOME'] ?? '', '.claude')
  const found = fields(
    await Bun.file(join(folder, 'settings.json'))
      .json()
      .catch(() => undefined),
  )
  return {
    settings: Object.fromEntries(Object.entries(found).filter(([name]) => LOGIN_SETTINGS.includes(name))),
    env: Object.fromEntries(
      Object.entries(fields(found['env'])).filter(
        (entry): entry is [string, string] => LOGIN_VARIABLES.test(entry[0]) && typeof entry[1] === 'string',
      ),
    ),
    instructions: [join(folder, 'CLAUDE.md'), join(folder, 'rules', '**')],
  }
}

const LOGIN_SETTINGS: readonly string[] = [
  'apiKeyHelper',
  'awsAuthRefresh',
  'awsCredentialExport',
  'gcpAuthRefresh',
]

const LOGIN_VARIABLES =
  /^(ANTHROPIC_|AWS_|GOOGLE_|CLOUD_ML_REGION$|VERTEX_REGION_|CLAUDE_CODE_(USE_|SKIP_\w+_AUTH$|OAUTH_TOKEN$|API_KEY_HELPER_TTL_MS$|CLIENT_)|HTTPS?_PROXY$|NO_PROXY$|NODE_EXTRA_CA_CERTS$)/
