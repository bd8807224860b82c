import { loadApiKeys } from '../../config/api-keys.ts'
import type { Config } from '../../config/schema.ts'
import { secretStore } from '../../config/secret-store.ts'
import { ClinvkError } from '../../errors.ts'
import { isOpen } from '../banner.ts'
import type { Check } from './report.ts'

/** The server waits longer, for a passphrase that somebody types; here an answer has to come. */
const STORE_PATIENCE_MS = 20_000
/** What is shorter can be guessed by trying. */
const SHORTEST_KEY = 16

/** Whether the server asks for keys, and whether it should. The keys are given back to be kept out of the report. */
export async function checkKeys(
  { host, api_keys_gopass_path: gopassPath }: Config['server'],
  env: Readonly<Record<string, string | undefined>>,
): Promise<{ checks: Check[]; keys: readonly string[] }> {
  try {
    const keys = await loadApiKeys({ env, gopassPath, run: secretStore(STORE_PATIENCE_MS) })
    return { keys, checks: judge(host, keys) }
  } catch (error) {
    if (!(error instanceof ClinvkError)) throw error
    const todo =
      'Mend CLINVK_API_KEYS or server.api_keys_gopass_path: the server does not start without them.'
    return { keys: [], checks: [{ part: 'keys', status: 'fail', message: error.message, todo }] }
  }
}

function judge(host: string, keys: readonly string[]): Check[] {
  const facts = { host, keys: keys.length }
  if (keys.length === 0)
    return isOpen(host)
      ? [
          {
            part: 'keys',
            status: 'warn',
            message: `The server listens on ${host} for the network, without API keys: everybody there could run your agents.`,
            todo: 'Set CLINVK_API_KEYS, or let it listen on 127.0.0.1.',
            facts,
          },
        ]
      : [
          {
            part: 'keys',
            status: 'ok',
            message:
              'No API keys, and none is needed: as configured, only this machine can reach the server.',
            facts,
          },
        ]
  const count = keys.length === 1 ? 'an API key' : `one of ${keys.length} API keys`
  const main: Check = { part: 'keys', status: 'ok', message: `Clients need ${count}.`, facts }
  if (!keys.some((key) => key.length < SHORTEST_KEY)) return [main]
  return [
    main,
    {
      part: 'keys',
      status: 'warn',
      message: `An API key has fewer than ${SHORTEST_KEY} characters and can be guessed.`,
      todo: 'Take a long one, such as that of: openssl rand -hex 24',
    },
  ]
}
