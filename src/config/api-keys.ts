import { ClinvkError } from '../errors.ts'
import { type RunSecretStore, runSecretStore } from './secret-store.ts'

/** Where keys can come from. */
export interface ApiKeySources {
  readonly env: Readonly<Record<string, string | undefined>>
  /** `server.api_keys_gopass_path` of the loaded configuration; the environment is in it already. */
  readonly gopassPath?: string | undefined
  /** Runs the secret store; by default the real one. */
  readonly run?: RunSecretStore
}

/**
 * The keys that clients have to send one of; none means that the server is open. `CLINVK_API_KEYS` wins over the
 * secret store, and then the store is not asked. Wherever keys are promised and none can be had, the start fails:
 * a server that was meant to be closed never opens.
 *
 * @throws `config_invalid` when the source that was named holds no usable key or the store fails. No message
 * repeats a key.
 */
export async function loadApiKeys({
  env,
  gopassPath,
  run = runSecretStore,
}: ApiKeySources): Promise<readonly string[]> {
  const fromEnv = env['CLINVK_API_KEYS']
  if (fromEnv !== undefined) return parseKeys(fromEnv, 'CLINVK_API_KEYS')
  if (gopassPath === undefined) return []
  return parseKeys(await readSecret(gopassPath, run), `The gopass secret ${gopassPath}`)
}

async function readSecret(path: string, run: RunSecretStore): Promise<string> {
  const outcome = await run(['gopass', 'show', '-o', path])
  if (outcome.ok) return outcome.stdout
  throw new ClinvkError(
    'config_invalid',
    `The API keys could not be read: gopass show -o ${path} ${outcome.reason}. ` +
      'The server does not start without them. Set CLINVK_API_KEYS, or leave the gopass path out to run without keys.',
    { retryable: false },
  )
}

/** Keys are separated by commas or lines; each must be something that a header can carry. */
function parseKeys(text: string, source: string): readonly string[] {
  const keys = text
    .split(/[,\r\n]/)
    .map((key) => key.trim())
    .filter((key) => key !== '')
  if (keys.length === 0)
    throw new ClinvkError(
      'config_invalid',
      `${source} holds no API key. Put in at least one, or leave it out to run without keys.`,
      { retryable: false },
    )
  const bad = keys.findIndex((key) => !/^[\x21-\x7e]+$/.test(key))
  if (bad >= 0)
    throw new ClinvkError(
      'config_invalid',
      `${source}: key ${bad + 1} of ${keys.length} has a space or a letter outside ASCII in it, so no client could send it.`,
      { retryable: false },
    )
  return [...new Set(keys)]
}
