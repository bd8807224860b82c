import { stat } from 'node:fs/promises'
import { ClinvkError } from '../errors.ts'
import { forget, MARKER_VARIABLE, newMarker, watchOver } from './guardian.ts'
import { fromWhole } from './tail.ts'
import { endGroup, type Grace } from './terminate.ts'

/** How a child process ended. */
export interface ExitStatus {
  readonly code: number | null
  readonly signal: string | null
}

/** A running child process, the leader of its own process group. */
export interface Child {
  readonly pid: number
  /** Everything it writes to stdout, read no faster than it is taken. Ends also where a grandchild holds the pipe. */
  readonly stdout: AsyncIterable<Uint8Array>
  /** The last few KiB it wrote to stderr. */
  stderrTail(): string
  /** Resolves when the data is handed over; writing to a dead process is no error, its end is told by `exited`. */
  write(data: string): Promise<void>
  /** Closes its stdin: the polite way to ask it to end. */
  endInput(): Promise<void>
  /** Settles when the process has ended and nothing of its group is left. Never rejects. */
  readonly exited: Promise<ExitStatus>
  readonly alive: boolean
  /** Ends the whole group: TERM, then KILL after the grace. Safe to call again; never rejects. */
  terminate(grace?: Grace): Promise<ExitStatus>
}

/** What to start. */
export interface ChildOptions {
  readonly command: readonly string[]
  /** Absolute path of an existing folder. */
  readonly cwd: string
  /** The whole environment: nothing of ours is added but a marker by which strays are found. */
  readonly env: Readonly<Record<string, string>>
}

/**
 * The folder of a process that works in none: it is always there, whatever becomes of the user's and of the one for
 * temporary files, and nobody else can put anything into it.
 */
export const NOWHERE = '/'

const STDERR_TAIL_CHARS = 8 * 1024
/** How long after its end a process's output may be silent before a held pipe is given up, in ms. */
const OUTPUT_SILENCE_MS = 250
/** How long in all we wait for more from a stray that got away and goes on writing, in ms. */
const OUTPUT_PATIENCE_MS = 2000

/**
 * Starts a process in a session and group of its own, with all three pipes.
 *
 * @throws `backend_not_installed` when the program is not found, `invalid_workdir` when the folder is not there.
 */
export async function spawnChild({ command, cwd, env }: ChildOptions): Promise<Child> {
  const [program = '', ...args] = command
  await requireFolder(cwd)
  const executable = findProgram(program, env)
  if (!executable)
    throw new ClinvkError('backend_not_installed', `The program "${program}" was not found on the PATH.`)

  const marker = newMarker()
  const proc = Bun.spawn({
    cmd: [executable, ...args],
    cwd,
    env: { ...env, [MARKER_VARIABLE]: marker },
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
    detached: true,
    lazy: true,
  })
  watchOver(proc.pid)
  const stderr = keepTail(proc.stderr)
  const output = readOutput(proc.stdout)

  let alive = true
  const exited = proc.exited.then(async (): Promise<ExitStatus> => {
    alive = false
    const status = { code: proc.exitCode, signal: proc.signalCode === null ? null : String(proc.signalCode) }
    await endGroup(proc.pid, marker, { termMs: 500 })
    forget(proc.pid)
    output.giveUpWhenSilent()
    stderr.giveUpWhenSilent()
    return status
  })

  return {
    pid: proc.pid,
    stdout: output.chunks(),
    stderrTail: stderr.text,
    exited,
    get alive() {
      return alive
    },
    async write(data) {
      if (!alive) return
      // A pipe that closes meanwhile is no error: the process is ending, and `exited` tells so.
      await Promise.race([writeAll(proc.stdin, data).catch(() => {}), proc.exited])
    },
    async endInput() {
      await Promise.race([closeInput(proc.stdin).catch(() => {}), proc.exited])
    },
    async terminate(grace) {
      if (alive) await endGroup(proc.pid, marker, grace)
      return exited
    },
  }
}

async function writeAll(input: Bun.FileSink, data: string): Promise<void> {
  await input.write(data)
  await input.flush()
}

async function closeInput(input: Bun.FileSink): Promise<void> {
  await input.end()
}

/** The program's path as a shell would find it, or `undefined`. */
export function findProgram(program: string, env: Readonly<Record<string, string>>): string | undefined {
  return Bun.which(program, { PATH: env['PATH'] ?? '' }) ?? undefined
}

async function requireFolder(cwd: string): Promise<void> {
  const found = await stat(cwd).catch(() => undefined)
  if (!found?.isDirectory())
    throw new ClinvkError('invalid_workdir', `The working directory ${cwd} does not exist or is no folder.`)
}

/**
 * Reads a pipe chunk by chunk. A grandchild may hold it open after the process has ended, so once told, a read
 * that stays silent for a moment counts as the end; what is in the pipe already is still read.
 */
function readOutput(stream: ReadableStream<Uint8Array>) {
  const reader = stream.getReader()
  let readingSince: number | undefined
  let ended = false
  let waitedAfterEnd = 0
  return {
    giveUpWhenSilent() {
      ended = true
      const timer = setInterval(() => {
        if (readingSince === undefined) return
        const silent = performance.now() - readingSince
        if (silent < OUTPUT_SILENCE_MS && waitedAfterEnd < OUTPUT_PATIENCE_MS) return
        clearInterval(timer)
        reader.cancel().catch(() => {})
      }, OUTPUT_SILENCE_MS / 5)
      timer.unref()
      reader.closed.catch(() => {}).finally(() => clearInterval(timer))
    },
    async *chunks(): AsyncGenerator<Uint8Array, void> {
      while (true) {
        readingSince = performance.now()
        const { done, value } = await reader.read()
        if (ended) waitedAfterEnd += performance.now() - readingSince
        readingSince = undefined
        if (done) return
        yield value
      }
    },
  }
}

function keepTail(stream: ReadableStream<Uint8Array>) {
  const output = readOutput(stream)
  const decoder = new TextDecoder()
  let tail = ''
  let cut = false
  void (async () => {
    for await (const chunk of output.chunks()) {
      const text = tail + decoder.decode(chunk, { stream: true })
      cut ||= text.length > STDERR_TAIL_CHARS
      tail = text.slice(-STDERR_TAIL_CHARS)
    }
  })().catch(() => {})
  return { text: () => (cut ? fromWhole(tail) : tail).trim(), giveUpWhenSilent: output.giveUpWhenSilent }
}
