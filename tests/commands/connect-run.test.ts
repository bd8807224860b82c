/**
 * What `clinvk connect` prints is used as it is: written to the files it names, run by a shell, and then the tool is
 * started as the line behind "Check:" says.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Connection } from '../../src/commands/connect/types.ts'
import { type AgentHome, agentEnv, createAgentHome } from '../agents/env.ts'
import { type MockProvider, startMockProvider } from '../support/mock-provider/index.ts'
import { processesIn } from '../support/processes.ts'
import { clinvkCommand, type ServedClinvk, startClinvk } from '../support/serve.ts'

const MODULES = join(import.meta.dir, '../../node_modules')
const KEY = 'a-key-for-the-test-of-connect'

const AGENTS = ['claude-code', 'codex', 'opencode']
const PROGRAMS = ['openai-sdk', 'anthropic-sdk', 'langchain', 'vercel-ai-sdk']

describe.each([
  ['without keys', {}],
  ['with keys', { CLINVK_API_KEYS: KEY }],
])('a server %s', (_, keys: Record<string, string>) => {
  let home: AgentHome
  let provider: MockProvider
  let clinvk: ServedClinvk
  let env: Record<string, string>
  beforeAll(async () => {
    home = await createAgentHome()
    provider = await startMockProvider()
    env = { ...(await agentEnv(provider.url, home, { geminiAttempts: 1 })), ...keys }
    clinvk = await startClinvk({ env, cwd: home.workdir })
  }, 600_000)
  afterAll(async () => {
    expect(await clinvk.stop()).toBe(0)
    await provider.stop()
    expect(await processesIn(home.home)).toEqual([])
    await home.remove()
  })

  /** Follows the settings of a tool as its user would, in a home of its own, and tells what the tool printed. */
  async function follow(tool: string, model: string) {
    provider.play({ text: 'Hello from behind clinvk.' })
    const asked = provider.calls.length
    const place = await createAgentHome()
    const settings = await connect(tool, model)
    // Everything of an agent but its provider, which the settings have to name.
    const base: Record<string, string> = { ...(await agentEnv('http://127.0.0.1:9', place)), ...keysOf() }
    const lines: string[] = []
    for (const { file, language, text } of settings.pieces) {
      if (language === 'python') continue
      if (file !== undefined) await put(file.replace(/^~/, place.home), place.workdir, text)
      else lines.push(text)
    }
    if (PROGRAMS.includes(tool)) {
      await symlink(MODULES, join(place.workdir, 'node_modules'))
      lines.push(`'${process.execPath}' hello.mjs`)
    } else if (AGENTS.includes(tool)) lines.push(settings.check)
    const shell = Bun.spawn({
      cmd: ['sh', '-ec', lines.join('\n')],
      cwd: place.workdir,
      env: base,
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
    })
    const [out, errors, code] = await Promise.all([shell.stdout.text(), shell.stderr.text(), shell.exited])
    expect(await processesIn(place.home)).toEqual([])
    await place.remove()
    return { out, told: `${code}: ${errors}`, calls: provider.calls.slice(asked), settings }
  }

  /** The user has the key; the server's own list of keys is not the user's. */
  function keysOf(): Record<string, string> {
    return 'CLINVK_API_KEYS' in keys ? { CLINVK_API_KEY: KEY } : {}
  }

  async function connect(tool: string, model: string): Promise<Connection> {
    const proc = Bun.spawn({
      cmd: [...clinvkCommand(), 'connect', tool, '--json', '--url', clinvk.url, '--model', model],
      env,
      cwd: home.workdir,
      stdout: 'pipe',
      stderr: 'ignore',
    })
    return JSON.parse(await proc.stdout.text())
  }

  test.each([
    ['claude-code', 'codex'],
    ['codex', 'claude'],
    ['opencode', 'codex'],
    ['openai-sdk', 'claude'],
    ['anthropic-sdk', 'codex'],
    ['langchain', 'codex'],
    ['vercel-ai-sdk', 'claude'],
    ['curl', 'codex'],
  ])(
    '%s does what it is told, with %s as its model',
    async (tool, model) => {
      const { out, told, calls, settings } = await follow(tool, model)
      const said =
        tool === 'curl' ? [...out.matchAll(/"content":"([^"]*)"/g)].map(([, text]) => text).join('') : out
      expect([said, told]).toEqual([
        expect.stringContaining('Hello from behind clinvk.'),
        expect.stringMatching(/^0:/),
      ])
      expect(calls.some(({ prompt }) => prompt.includes('Say hello'))).toBe(true)
      expect(settings.needs_key).toBe('CLINVK_API_KEYS' in keys)
    },
    240_000,
  )
})

async function put(path: string, folder: string, text: string): Promise<void> {
  const whole = path.startsWith('/') ? path : join(folder, path)
  await mkdir(dirname(whole), { recursive: true })
  await writeFile(whole, text)
}
