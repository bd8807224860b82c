import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ClinvkError } from '../errors.ts'
import { readMarker } from './marker.ts'
import type { Manager, RunTool, ServiceFlags, ServiceSpec, ServiceState, Step } from './types.ts'

/** What is told of each thing that was done. */
type Tell = (text: string) => void

/** How an installation is done. */
interface Installing {
  readonly run: RunTool
  readonly tell: Tell
  /** Overwrites a file that is not ours. */
  readonly force: boolean
  /** Where the server is to answer; absent where that is not known before. */
  readonly server?: ServerProbe | undefined
}

/** What is asked of the server of a service. */
interface ServerProbe {
  readonly url: string
  /** Where a service like this listens, if that is known. */
  urlOf(flags: ServiceFlags): Promise<string | undefined>
  /** Whether anybody listens there. */
  isTaken(): Promise<boolean>
  /** Whether the server there serves. */
  isServing(): Promise<boolean>
}

/** The file of an installed service; undefined where there is none. */
export async function installed(
  file: string,
): Promise<{ readonly ours: boolean; readonly flags: ServiceFlags } | undefined> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
    throw serviceFailed(`${file} cannot be read: ${error.message}`)
  })
  if (text === undefined) return undefined
  const flags = readMarker(text)
  return { ours: flags !== undefined, flags: flags ?? {} }
}

/**
 * Writes the file of a service, and has it started now and from now on.
 *
 * @throws `service_failed`, before anything is written where the manager does not run or the file is not ours.
 */
export async function install(
  manager: Manager,
  spec: ServiceSpec,
  { run, tell, force, server }: Installing,
): Promise<void> {
  const text = manager.describe(spec)
  const before = await installed(manager.file)
  if (before && !before.ours && !force)
    throw serviceFailed(
      `${manager.file} is there and was not written by clinvk. Look at it; --force replaces it.`,
    )
  await reach(manager, run)
  if (server) await checkPlace(manager, server, before?.flags, run)
  if (await createEnvFile(spec.envFile))
    tell(`Wrote ${spec.envFile}: put CLINVK_API_KEYS and other secrets there.`)
  // Where clinvk reads it itself, it is not the machine's administrator who does.
  if (manager.name === 'launchd' && spec.runAs)
    await perform({ command: ['chown', spec.runAs.user, spec.envFile] }, run)
  await writeWhole(manager.file, text, 0o644)
  tell(`Wrote ${manager.file}.`)
  for (const step of manager.start) await perform(step, run)
  tell(`${manager.name} runs clinvk now, and starts it from now on.`)
  await untilItServes(manager, server, { run, tell })
  for (const [what, command] of manager.next) tell(`${what}: ${command}`)
}

/**
 * Stops a service and removes its file, and never one of somebody else. Its variables and data stay.
 *
 * @throws `service_failed`
 */
export async function uninstall(
  manager: Manager,
  { run, tell }: Pick<Installing, 'run' | 'tell'>,
): Promise<void> {
  const before = await installed(manager.file)
  if (!before) return tell(`Nothing to do: there is no ${manager.file}.`)
  if (!before.ours)
    throw serviceFailed(`${manager.file} was not written by clinvk, so clinvk does not remove it.`)
  await reach(manager, run)
  for (const step of manager.stop) await perform(step, run)
  await rm(manager.file)
  for (const step of manager.forget) await perform(step, run)
  tell(`Stopped clinvk and removed ${manager.file}. Its configuration, keys and sessions are still there.`)
}

/** What an installation would do, as shell commands or words. */
export function planOf(manager: Manager, spec: ServiceSpec): string {
  const commands = manager.start.map(({ command }) => command.join(' '))
  return [
    `Would write ${manager.file}:`,
    '',
    manager.describe(spec),
    `Would write ${spec.envFile}, unless it is there.`,
    ...commands.map((command) => `Would run: ${command}`),
  ].join('\n')
}

async function reach({ name, reach: step }: Manager, run: RunTool): Promise<void> {
  const { ok, complaint } = await run(step.command)
  if (ok) return
  throw serviceFailed(
    `${name} does not run here, or does not listen to you: ${complaint}. Nothing was changed. "clinvk service print" shows the file for another machine.`,
  )
}

/** A server of somebody else would answer for ours, which could not listen. One of ours makes way at the restart. */
async function checkPlace(
  manager: Manager,
  server: ServerProbe,
  before: ServiceFlags | undefined,
  run: RunTool,
): Promise<void> {
  if (before && (await manager.state(run)).running && (await server.urlOf(before)) === server.url) return
  if (!(await server.isTaken())) return
  throw serviceFailed(
    `something listens at ${server.url} already, so the service could not. Stop it, or give the service another --port. Nothing was changed.`,
  )
}

const SERVES_POLL_MS = 200
const SERVES_TRIES = 75

/** To a manager a program runs once it is started; whoever installs it wants to know whether it stays. */
async function untilItServes(
  manager: Manager,
  server: ServerProbe | undefined,
  { run, tell }: Pick<Installing, 'run' | 'tell'>,
): Promise<void> {
  for (let tries = 0; tries < SERVES_TRIES; tries += 1) {
    const serves = await server?.isServing()
    const state = await manager.state(run)
    if (state.failed) throw await notRunning(manager, state, run)
    if (serves && state.running) return tell(`It answers at ${server?.url}.`)
    if (!server || !state.running) return
    await Bun.sleep(SERVES_POLL_MS)
  }
  tell(`It does not answer at ${server?.url} yet. "clinvk service status" tells when it does.`)
}

async function notRunning(manager: Manager, { words }: ServiceState, run: RunTool): Promise<ClinvkError> {
  const what = `it is installed, but does not keep running: ${words}.`
  // The log is written by somebody else, a moment later.
  for (let tries = 0; tries < 5; tries += 1) {
    const lines = await manager.lastWords(run)
    if (lines.length > 0)
      return serviceFailed([`${what} Its log ends with:`, ...lines.map((line) => `  ${line}`)].join('\n'))
    await Bun.sleep(SERVES_POLL_MS)
  }
  return serviceFailed(`${what} ${manager.next.map(([name, command]) => `${name}: ${command}`)[0]}`)
}

const GONE_POLL_MS = 200
const GONE_TRIES = 600

async function perform({ command, mayFail, untilGone }: Step, run: RunTool): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    const { ok, complaint } = await run(command)
    if (untilGone ? !ok : ok || mayFail) return
    if (!untilGone) throw serviceFailed(`"${command.join(' ')}" failed: ${complaint}.`)
    if (tries === GONE_TRIES) throw serviceFailed('The service that runs already does not end.')
    await Bun.sleep(GONE_POLL_MS)
  }
}

const ENV_FILE = `# Variables for the clinvk service and its agents, one NAME=value a line, read when it starts. Keep this file private.
# CLINVK_API_KEYS=one,two
`

/** False where it is there already: then it is the user's. */
async function createEnvFile(file: string): Promise<boolean> {
  await makeFolder(dirname(file), 0o700)
  try {
    await writeFile(file, ENV_FILE, { mode: 0o600, flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw cannotWrite(file, error)
  }
}

/** Puts a file in the place of another at once: the manager never reads half of one. */
async function writeWhole(file: string, text: string, mode: number): Promise<void> {
  await makeFolder(dirname(file), 0o755)
  const half = `${file}.${process.pid}`
  try {
    await writeFile(half, text, { mode })
    await chmod(half, mode)
    await rename(half, file)
  } catch (error) {
    await rm(half, { force: true }).catch(() => {})
    throw cannotWrite(file, error)
  }
}

async function makeFolder(folder: string, mode: number): Promise<void> {
  await mkdir(folder, { recursive: true, mode }).catch((error) => {
    throw cannotWrite(folder, error)
  })
}

function cannotWrite(file: string, cause: unknown): ClinvkError {
  const code = (cause as NodeJS.ErrnoException).code ?? String(cause)
  const hint = code === 'EACCES' || code === 'EPERM' ? ' A service of the whole machine needs sudo.' : ''
  return serviceFailed(`${file} cannot be written (${code}).${hint}`)
}

function serviceFailed(message: string): ClinvkError {
  return new ClinvkError('service_failed', message)
}
