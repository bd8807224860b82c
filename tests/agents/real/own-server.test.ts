/** Agents whose settings name the server that starts them as their model provider. */
import { afterEach, beforeEach, expect, test } from 'bun:test'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { json } from '../../support/events.ts'
import { startMockProvider } from '../../support/mock-provider/index.ts'
import { processesIn } from '../../support/processes.ts'
import { startClinvk } from '../../support/serve.ts'
import { type AgentHome, agentEnv, createAgentHome } from '../env.ts'

let home: AgentHome
beforeEach(async () => {
  home = await createAgentHome()
})
afterEach(async () => {
  expect(await processesIn(home.home)).toEqual([])
  await home.remove()
})

/** What the settings are once they name this server. */
const SETTINGS: Record<string, readonly [file: string, (url: string, before: string) => string]> = {
  claude: [
    '.claude/settings.json',
    (url) => JSON.stringify({ env: { ANTHROPIC_BASE_URL: `${url}/anthropic`, ANTHROPIC_MODEL: 'claude' } }),
  ],
  codex: [
    '.codex/config.toml',
    (url, before) =>
      before.replace(/base_url = .*/, `base_url = "${url}/openai/v1"`).replace('"gpt-5"', '"codex"'),
  ],
  opencode: [
    '.config/opencode/opencode.json',
    (url, before) =>
      before
        .replace(/"baseURL":"[^"]*"/, `"baseURL":"${url}/anthropic/v1"`)
        .replaceAll('"m1"', '"opencode"')
        .replace('mock/m1', 'mock/opencode'),
  ],
}

test.each(Object.keys(SETTINGS))(
  '%s asks nobody, and its caller is told why',
  async (backend) => {
    const provider = await startMockProvider()
    const env = await agentEnv(provider.url, home)
    await writeFile(join(home.home, 'config.yaml'), 'pool: {minimum: 0}\n')
    const clinvk = await startClinvk({
      env,
      cwd: home.workdir,
      args: ['--config', join(home.home, 'config.yaml')],
    })
    try {
      const [file, change] = SETTINGS[backend] ?? ['', () => '']
      const path = join(home.home, file)
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, change(clinvk.url, await readFile(path, 'utf8').catch(() => '')))

      const task = await clinvk.post('/api/v1/prompt', { backend, prompt: 'hello' })
      const problem = await json(task)
      expect([task.status, problem.detail]).toEqual([400, expect.stringContaining('asks itself')])
      const { backends } = await json(await fetch(`${clinvk.url}/api/v1/pool`))
      const { pool } = backends.find(({ name }: { name: string }) => name === backend)
      expect(pool.hits).toEqual({ warm: 0, spare: 0, cold: 1 })
      expect(provider.calls).toHaveLength(0)
    } finally {
      expect(await clinvk.stop()).toBe(0)
      await provider.stop()
    }
  },
  120_000,
)
