import { join } from 'node:path'

/** A `clinvk serve` that runs as a process of its own, as users run it. */
export interface ServedClinvk {
  /** Without a trailing slash. */
  readonly url: string
  readonly pid: number
  /** What it has printed so far, stdout and stderr. */
  output(): string
  /** POST with a JSON body. */
  post(path: string, body: unknown, init?: RequestInit): Promise<Response>
  /** Ends it as a service manager does, and resolves with its exit code. */
  stop(signal?: NodeJS.Signals): Promise<number>
}

/** What to start it with. */
export interface ServeOptions {
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  readonly args?: readonly string[]
  /** Another way to start clinvk than {@link clinvkCommand}. */
  readonly command?: readonly string[]
}

const MAIN = join(import.meta.dir, '../../src/main.ts')

/** How tests start clinvk: from source, or the executable that the environment names. */
export function clinvkCommand(): readonly string[] {
  const binary = process.env['CLINVK_BINARY']
  return binary ? [binary] : [process.execPath, '--no-env-file', MAIN]
}

/** Starts `clinvk serve` on a free port and waits for its banner. @throws Error with its output where it ends instead. */
export async function startClinvk(options: ServeOptions): Promise<ServedClinvk> {
  const { env, cwd, args = [], command = clinvkCommand() } = options
  const proc = Bun.spawn({
    cmd: [...command, 'serve', '--port', '0', ...args],
    cwd,
    env: { ...env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  let text = ''
  const ready = Promise.withResolvers<string>()
  const listen = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder()
    for await (const chunk of stream) {
      text += decoder.decode(chunk, { stream: true })
      const found = /http:\/\/[^\s/]+:\d+/.exec(text)
      if (found) ready.resolve(found[0])
    }
  }
  const read = Promise.all([listen(proc.stdout), listen(proc.stderr)])
  void proc.exited.then(async (code) => {
    await read
    ready.reject(new Error(`clinvk serve ended with code ${code}:\n${text}`))
  })
  const url = await ready.promise
  return {
    url,
    pid: proc.pid,
    output: () => text,
    post: (path, body, init = {}) =>
      fetch(`${url}${path}`, {
        method: 'POST',
        body: JSON.stringify(body),
        ...init,
        headers: { 'content-type': 'application/json', ...init.headers },
      }),
    async stop(signal = 'SIGTERM') {
      proc.kill(signal)
      const code = await proc.exited
      await read
      return code
    },
  }
}
