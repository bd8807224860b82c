import { join } from 'node:path'
import { type Fields, fields } from '../fields.ts'
import type { WatchedFile } from '../pool/types.ts'
import { geminiFolder } from './gemini-history.ts'
import { settingsFiles } from './opencode-config.ts'

/**
 * What Gemini CLI reads when it starts, in the home of its process. Its own start rewrites settings that are of an older
 * form, once, and in sessions and turns it wrote `projects.json` and its histories alone (0.61.0). The file in which it
 * keeps encrypted credentials is left out: it is another one after each renewal of a login.
 */
export function geminiFiles(env: Readonly<Record<string, string>>): readonly WatchedFile[] {
  const folder = geminiFolder(env)
  if (folder === undefined) return []
  return [
    { path: join(folder, 'settings.json'), essence: parseJson },
    { path: join(folder, 'oauth_creds.json'), essence: googleLogin },
    { path: join(folder, 'google_accounts.json'), essence: parseJson },
    { path: join(folder, '.env'), essence: itself },
  ]
}

/**
 * What OpenCode reads when it is first used in a folder, and keeps. It adds a `$schema` to settings that have none, and
 * wrote nothing else of these in sessions and turns (1.18.33); a login that it renews it writes to `auth.json`.
 */
export function opencodeFiles(env: Readonly<Record<string, string>>): readonly WatchedFile[] {
  const home = env['HOME'] || env['USERPROFILE']
  const data = env['XDG_DATA_HOME'] || (home ? join(home, '.local', 'share') : undefined)
  return [
    ...settingsFiles(env).map((path) => ({ path, essence: withoutSchema })),
    ...(data === undefined ? [] : [{ path: join(data, 'opencode', 'auth.json'), essence: opencodeLogins }]),
  ]
}

/** A renewal changes all but this one. */
function googleLogin(text: string): unknown {
  return fields(JSON.parse(text))['refresh_token']
}

/** The logins by provider; of those that are renewed, not what a renewal changes. */
function opencodeLogins(text: string): Fields {
  const logins = Object.entries(fields(JSON.parse(text)))
  return Object.fromEntries(
    logins.map(([provider, login]) => {
      const { access: _, refresh: __, expires: ___, ...lasting } = fields(login)
      return [provider, lasting]
    }),
  )
}

function withoutSchema(text: string): Fields {
  const { $schema: _, ...settings } = fields(parseJson(text))
  return settings
}

function parseJson(text: string): unknown {
  return Bun.JSONC.parse(text)
}

function itself(text: string): string {
  return text
}
