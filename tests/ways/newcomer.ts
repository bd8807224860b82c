import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { version } from '../../package.json'
import { providerVariables } from '../agents/env.ts'
import { agentBin } from '../agents/install.ts'
import { answerOf, readSse, type WireEvent } from '../support/events.ts'
import { type MockProvider, startMockProvider } from '../support/mock-provider/index.ts'
import { createMachine, type Machine } from './machine.ts'
import { CTRL_C, type Terminal } from './terminal.ts'

/** A way to come to clinvk, in the words that a user types. */
export interface Way {
  /** All that is on the PATH, beside a shell and curl. */
  readonly programs: readonly string[]
  readonly env?: (home: string) => Readonly<Record<string, string>>
  /** What is done before, with the network. */
  readonly prepare: (machine: Machine, window: Terminal) => Promise<void>
  readonly serve: string
}

/** Somebody who has never had clinvk, at a machine of their own. */
interface Newcomer {
  machine(): Machine
  provider(): MockProvider
  /** Opens a window, which is closed at the end of the test. */
  open(): Promise<Terminal>
  /** Starts the server in a window of its own, and leaves it there. */
  serve(): Promise<Terminal>
  /** Copies the line of the README that asks a backend, into another window. */
  ask(backend: string): Promise<WireEvent[]>
}

/** The first start may fetch a Bun, the first real agent may have to be installed. */
export const LONG_MS = 300_000

/** What the server says when it is there. */
export const BANNER = /clinvk \S+ listens on (http:\S+)/

/** What a user takes for one. */
const FAILURE = /error|exception|\n {4}at /i

/** For all tests of a `describe`: when they are through, nothing that this user started runs. */
export function newcomer(way: Way): Newcomer {
  let provider: MockProvider
  let machine: Machine
  let windows: Terminal[] = []
  const open = async () => {
    const window = await machine.open()
    windows.push(window)
    return window
  }
  beforeAll(async () => {
    provider = await startMockProvider()
    machine = await createMachine(['curl', ...way.programs], (home) => ({
      // What an agent finds that is installed later.
      ...providerVariables(provider.url),
      IS_SANDBOX: '1',
      ...way.env?.(home),
    }))
    await way.prepare(machine, await open())
    machine.disconnect()
  }, LONG_MS)
  afterEach(async () => {
    await Promise.all(windows.map((window) => window.close()))
    windows = []
    expect(await machine.running()).toEqual([])
  })
  afterAll(async () => {
    await provider.stop()
    await machine.remove()
  })
  return {
    machine: () => machine,
    provider: () => provider,
    open,
    async serve() {
      const window = await open()
      const [, url] = await window.type(way.serve, BANNER)
      expect(url).toBe(machine.url)
      return window
    },
    async ask(backend) {
      const { text, code } = await (await open()).run(await firstPrompt(backend, machine))
      expect([code, text]).toEqual([0, expect.stringContaining('data: ')])
      return await Array.fromAsync(readSse(new Response(text)))
    },
  }
}

/** The server comes, answers and goes. */
export function triesTheServer({ machine, open, serve, ask }: Newcomer): void {
  test(
    'the server starts, and the demo agent streams its answer to the first prompt of the README',
    async () => {
      await serve()
      const events = await ask('demo')
      expect(answerOf(events)).toBe('[clinvk demo agent, no model] You said: hello')
      expect(events.at(-1)).toMatchObject({ type: 'done' })
      expect((await (await open()).run(`curl -s ${machine().url}/docs`)).text).toContain('swagger-ui')
    },
    LONG_MS,
  )

  test(
    'Ctrl-C ends it, a second one does not wait for a prompt, and no failure is shown',
    async () => {
      const idle = await serve()
      const quiet = await idle.interrupt()
      expect(quiet.text).not.toMatch(FAILURE)
      expect(await machine().running()).toEqual([])

      const busy = await serve()
      const prompt = JSON.stringify({ backend: 'demo', prompt: 'demo: say=here; hang', stream: true })
      await (await open()).type(`curl -sN ${machine().url}/api/v1/prompt --json '${prompt}'`, /"here"/)
      const first = await busy.press(CTRL_C, /once more to stop at once/)
      // Less than this, and it is taken for one that a package manager passes on as well.
      await Bun.sleep(500)
      const second = await busy.interrupt()
      expect(first.input + second.text).not.toMatch(FAILURE)
      expect(await machine().running()).toEqual([])
    },
    LONG_MS,
  )

  test(
    'the end of its window is its end as well',
    async () => {
      const window = await serve()
      await window.close()
      expect(await machine().running()).toEqual([])
    },
    LONG_MS,
  )
}

/** The other commands do as well, called so. */
export function triesTheCommands({ machine, open }: Newcomer, clinvk: string): void {
  test(
    'the other commands tell the version, what is missing and how to connect',
    async () => {
      const window = await open()
      expect(await window.run(`${clinvk} version`)).toEqual({ text: `clinvk ${version}\n`, code: 0 })
      const doctor = await window.run(`${clinvk} doctor`)
      expect(doctor.text).toContain(`clinvk ${version} on Bun`)
      expect(doctor.text).toContain('npm install -g @anthropic-ai/claude-code')
      expect(doctor.code).toBe(1)
      const connect = await window.run(`${clinvk} connect codex`)
      expect(connect.text).toContain(`${machine().url}/openai/v1`)
      expect(connect.code).toBe(0)
    },
    LONG_MS,
  )
}

/** The last step: after it there is an agent on the machine. */
export function triesAnAgent({ machine, provider, serve, ask }: Newcomer): void {
  test(
    'a real agent answers as soon as it is there',
    async () => {
      await machine().add('claude', join(await agentBin(), 'claude'))
      provider().play({ text: 'This folder is empty.' })
      await serve()
      expect(answerOf(await ask('claude'))).toBe('This folder is empty.')
    },
    LONG_MS,
  )
}

async function firstPrompt(backend: string, machine: Machine): Promise<string> {
  const readme = await readFile(join(import.meta.dir, '../../README.md'), 'utf8')
  const line = readme.split('\n').find((text) => text.startsWith('curl') && text.includes(`"${backend}"`))
  if (!line) throw new Error(`The README asks ${backend} nothing.`)
  return line.replace('http://127.0.0.1:8080', machine.url)
}
