import { execFile } from 'node:child_process'

/** What a secret store answered: its output, or why there is none (`ended with exit code 1: …`). */
type SecretOutcome =
  | { readonly ok: true; readonly stdout: string }
  | { readonly ok: false; readonly reason: string }

/** Runs the command of a secret store. Never throws. */
export type RunSecretStore = (command: readonly string[]) => Promise<SecretOutcome>

/** Long enough for a person to type a passphrase into a window. */
const PATIENCE_MS = 60_000

/** Runs commands with nothing on stdin; one that takes longer than `patienceMs` is ended, which is a failure. */
export function secretStore(patienceMs: number): RunSecretStore {
  return ([program = '', ...args]) =>
    new Promise((done) => {
      const options = { timeout: patienceMs, killSignal: 'SIGKILL', encoding: 'utf8' } as const
      const child = execFile(program, args, options, (error, stdout, stderr) => {
        done(
          error === null ? { ok: true, stdout } : { ok: false, reason: reasonOf(error, stderr, patienceMs) },
        )
      })
      child.stdin?.end()
    })
}

/** The secret store as the server asks it. */
export const runSecretStore: RunSecretStore = secretStore(PATIENCE_MS)

/** Only stderr is repeated: stdout may hold the secret. */
function reasonOf(
  error: Error & { code?: unknown; killed?: boolean },
  stderr: string,
  patienceMs: number,
): string {
  if (error.code === 'ENOENT') return 'could not be run, because the program was not found on the PATH'
  if (error.killed === true) return `did not answer within ${patienceMs / 1000} seconds`
  const how = typeof error.code === 'number' ? `ended with exit code ${error.code}` : 'failed'
  const words = stderr.trim().slice(-500)
  return words === '' ? how : `${how}: ${words}`
}
