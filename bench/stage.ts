import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { agentEnv, createAgentHome } from '../tests/agents/env.ts'
import { type MockProvider, type Recording, startMockProvider } from '../tests/support/mock-provider/index.ts'
import { atEnd, end, type Place, start } from './processes.ts'

/** An empty home with agents that talk to a recording of their own. */
export interface Stage extends Place {
  readonly model: Recording
}

const MAIN = join(import.meta.dir, '../src/main.ts')

/** Four deltas without any pause. */
const REPLY = { text: 'Hello from the mock.' }

let provider: Promise<MockProvider> | undefined

/** Makes a home, with a configuration of clinvk if one is given. `name` is not used twice. */
export async function openStage(name: string, config?: string): Promise<Stage> {
  provider ??= startProvider()
  const model = (await provider).scenario(name, REPLY)
  const home = await createAgentHome()
  atEnd(() => home.remove())
  const env = await agentEnv(model.url, home)
  if (config !== undefined) {
    await mkdir(join(home.home, '.clinvk'), { recursive: true })
    await writeFile(join(home.home, '.clinvk', 'config.yaml'), config)
  }
  return { env, cwd: home.workdir, model }
}

/** A server that runs as a process of its own. */
export interface Server {
  /** Without a trailing slash. */
  readonly url: string
  readonly pid: number
  stop(): Promise<void>
}

/** Starts `clinvk serve` on a free port. */
export function serve(place: Place, args: readonly string[] = []): Promise<Server> {
  return startServer(place, ['--no-env-file', MAIN, 'serve', '--port', '0', ...args])
}

/** Starts a server with Bun and waits until it prints its address. @throws Error where it ends instead. */
export async function startServer(place: Place, args: readonly string[]): Promise<Server> {
  const child = start([process.execPath, ...args], place)
  const address = Promise.withResolvers<string>()
  void (async () => {
    let text = ''
    const decoder = new TextDecoder()
    // To its end, so that it is never held up by what it prints.
    for await (const chunk of child.stdout) {
      text += decoder.decode(chunk, { stream: true })
      const found = /http:\/\/[^\s/]+:\d+/.exec(text)
      if (found) address.resolve(found[0])
    }
    address.reject(new Error(`The server ended:\n${text}`))
  })()
  return { url: await address.promise, pid: child.pid, stop: () => end(child) }
}

async function startProvider(): Promise<MockProvider> {
  const started = await startMockProvider()
  atEnd(() => {
    provider = undefined
    return started.stop()
  })
  return started
}
