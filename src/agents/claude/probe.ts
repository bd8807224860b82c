import { ClinvkError } from '../../errors.ts'
import { NOWHERE, spawnChild } from '../../process/child.ts'
import { collectText } from '../../process/collect.ts'
import { describeEnd } from '../command.ts'
import type { BackendSettings, Probe } from '../types.ts'

/** Names that `--model` takes for the newest of each kind, as the CLI itself lists them. */
const MODEL_ALIASES: readonly string[] = ['opus', 'sonnet', 'haiku']

/** How long a probe's commands may take, in ms. */
const PROBE_TIMEOUT_MS = 10_000
/** The most that they may say: a version is a line, a login some of them. */
const MOST_BYTES = 64 * 1024

/**
 * Asks the CLI for its version (about 10 ms) and whether it is logged in (about 250 ms; it looks at its own
 * settings and calls nobody). A version without `auth status` counts as logged in: its first turn will tell.
 */
export async function probeClaude(settings: BackendSettings, timeoutMs = PROBE_TIMEOUT_MS): Promise<Probe> {
  const models = settings.models.length > 0 ? settings.models : MODEL_ALIASES
  try {
    const [version, auth] = await Promise.all([
      runForOutput(settings, ['--version'], timeoutMs),
      runForOutput(settings, ['auth', 'status', '--json'], timeoutMs),
    ])
    const number = /\d+\.\d+\.\d+\S*/.exec(version)?.[0]
    if (number === undefined)
      return {
        available: false,
        ready: false,
        reason: `${settings.command.join(' ')} --version told no version.`,
        models,
      }
    const loggedIn = readLoggedIn(auth)
    return {
      available: true,
      version: number,
      ready: loggedIn,
      ...(loggedIn ? {} : { reason: 'Not logged in. Run claude auth login, or set ANTHROPIC_API_KEY.' }),
      models,
    }
  } catch (error) {
    const known = error instanceof ClinvkError ? error : undefined
    const reason =
      known?.code === 'backend_not_installed'
        ? (settings.installHint ?? describeEnd.notFound(settings.command[0] ?? ''))
        : `${settings.command.join(' ')} could not be run.${known ? ` ${known.message}` : ''}`
    return { available: false, ready: false, reason, models }
  }
}

/** Whether the output of `auth status --json` says that nobody is logged in; anything unclear counts as yes. */
function readLoggedIn(output: string): boolean {
  try {
    return (JSON.parse(output) as { loggedIn?: unknown } | null)?.loggedIn !== false
  } catch {
    return true
  }
}

async function runForOutput(
  { command, env }: BackendSettings,
  args: readonly string[],
  timeoutMs: number,
): Promise<string> {
  const child = await spawnChild({ command: [...command, ...args], cwd: NOWHERE, env })
  const timer = setTimeout(() => void child.terminate({ termMs: 500 }), timeoutMs)
  try {
    await child.endInput()
    const output = await collectText(child.stdout, MOST_BYTES)
    await child.exited
    return output
  } finally {
    clearTimeout(timer)
    await child.terminate({ termMs: 500 })
  }
}
