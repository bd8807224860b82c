import { execFile } from 'node:child_process'

/** What a secret store answered: its output, or why there is none (`ended with exit code 1: …`). */
type SecretOutcome =
  | { readonly ok: true; readonly stdout: string }
  | { readonly ok: false; readonly reason: string }

/** Runs the command of a secret store. Never throws. */
export type RunSecretStore = (command: readonly string[]) => Promise<SecretOutcome>

/** Long enough for a person to type a passphrase into a window. */
const PATIENCE_MS = 60_000

/** Runs the command with nothing on stdin; after a minute it is ended, which is a failure. */
export const runSecretStore: RunSecretStore = ([program = '', ...args]) =>
  new Promise((done) => {
    const options = { timeout: PATIENCE_MS, killSignal: 'SIGKILL', encoding: 'utf8' } as const
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      done(error === null ? { ok: true, stdout } : { ok: false, reason: reasonOf(error, stderr) })
    })
    child.stdin?.end()
  })

/** Only stderr is repeated: stdout may hold the secret. */
function reasonOf(error: Error & { code?: unknown; killed?: boolean }, stderr: string): string {
  if (error.code === 'ENOENT') return 'could not be run, because the program was not found on the PATH'
  if (error.killed === true) return `did not answer within ${PATIENCE_MS / 1000} seconds`
  const how = typeof error.code === 'number' ? `ended with exit code ${error.code}` : 'failed'
  const words = stderr.trim().slice(-500)
  return words === '' ? how : `${how}: ${words}`
}
