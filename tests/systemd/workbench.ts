import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { eventually, same } from '../support/checks.ts'
import type { Outcome } from '../support/execute.ts'
import type { Machine } from './machine.ts'

/** How checks use a machine in which two people have accounts: ann, who has Claude Code and Codex and may use sudo, and bob. */
export interface Workbench {
  readonly machine: Machine
  /** What systemd calls itself. */
  version(): Promise<string>
  /** A line that ann types after logging in, which has to end with this code. Resolves with all that it printed. */
  ann(line: string, code?: number): Promise<string>
  root(line: string, code?: number): Promise<string>
  /** Turns it off and on again. */
  reboot(): Promise<void>
  /** Starts the mock of the models for ann's agents. */
  provide(): Promise<void>
  /** A request to the server in it. */
  ask(port: number, path: string, options?: { key?: string; body?: unknown }): Promise<Answer>
  /** Begins a prompt to the demo agent, and resolves when it has begun to answer. `rest` resolves with its events. */
  begin(port: number, prompt: string, key?: string): Promise<{ readonly rest: Promise<StreamedEvent[]> }>
}

interface Answer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: answers are compared, not used
  readonly body: any
}

interface StreamedEvent {
  readonly type: string
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly content: any
}

/** Where the mock of the models listens. */
export const PROVIDER_PORT = 4010

export async function createWorkbench(machine: Machine, root: string): Promise<Workbench> {
  const line = async (run: Promise<Outcome>, what: string, code: number) => {
    const { code: got, stdout, stderr } = await run
    if (got !== code) throw new Error(`${what}\nended with code ${got}, not ${code}:\n${stdout}${stderr}`)
    return stdout + stderr
  }
  const bench: Workbench = {
    machine,
    version: async () => (await bench.root('systemctl --version')).split('\n')[0] ?? '',
    ann: (words, code = 0) => line(machine.as('ann', words), words, code),
    root: (words, code = 0) => line(machine.root(['sh', '-c', words]), words, code),
    async reboot() {
      await machine.powerOff()
      await machine.boot()
    },
    async provide() {
      const unit = ['--unit=provider', '--uid=ann', '--setenv=HOME=/home/ann', '--setenv=BUN_BE_BUN=1']
      const script = ['/opt/tests/systemd/inside/provider.ts', String(PROVIDER_PORT)]
      const { code, stderr } = await machine.root([
        ...['systemd-run', '--quiet', ...unit, 'clinvk'],
        ...script,
      ])
      if (code !== 0) throw new Error(stderr)
      await eventually(() => bench.root('test -s /home/ann/.codex/config.toml'))
    },
    async ask(port, path, { key, body } = {}) {
      const { code, stdout, stderr } = await machine.root([
        ...['curl', '--silent', '--show-error', '--write-out', '\n%{http_code}'],
        ...curlWords(port, path, key, body),
      ])
      if (code !== 0) throw new Error(stderr)
      const [text = '', status] = stdout.split(/\n(\d+)$/)
      return { status: Number(status), body: JSON.parse(text) }
    },
    async begin(port, prompt, key) {
      const file = `/tmp/stream-${crypto.randomUUID()}`
      const body = { backend: 'demo', prompt, stream: true }
      const words = ['--silent', '--no-buffer', ...curlWords(port, '/api/v1/prompt', key, body)]
      const ended = machine.root(['curl', '--output', file, ...words])
      await eventually(() => bench.root(`grep -q token ${file}`))
      return { rest: ended.then(async () => eventsOf(await bench.root(`cat ${file}`))) }
    },
  }
  for (const user of ['ann', 'bob']) await bench.root(`useradd --create-home --shell /bin/bash ${user}`)
  await bench.root("echo 'ann ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/ann")
  await bench.root('install -d -o ann -g ann /home/ann/.local /home/ann/.local/bin /home/ann/project')
  for (const [name, pattern] of Object.entries(AGENTS))
    await bench.root(`ln -s /opt/tests/${await programIn(root, pattern)} /home/ann/.local/bin/${name}`)
  same((await bench.ann('claude --version && codex --version')).match(/\d+\.\d+\.\d+/g)?.length, 2)
  return bench
}

/** Both are native programs, so that the machine needs no Node. */
const AGENTS = {
  claude: 'agents/node_modules/@anthropic-ai/claude-code-linux-*/claude',
  codex: 'agents/node_modules/@openai/codex-linux-*/vendor/*/bin/codex',
}

async function programIn(root: string, pattern: string): Promise<string> {
  const glob = new Bun.Glob(pattern)
  for await (const found of glob.scan({ cwd: join(root, 'tests'), dot: true, followSymlinks: true }))
    if (existsSync(join(root, 'tests', found))) return found
  throw new Error(`There is no ${pattern}.`)
}

function curlWords(port: number, path: string, key: string | undefined, body: unknown): string[] {
  return [
    ...(key === undefined ? [] : ['--header', `authorization: Bearer ${key}`]),
    ...(body === undefined
      ? []
      : ['--header', 'content-type: application/json', '--data', JSON.stringify(body)]),
    `http://127.0.0.1:${port}${path}`,
  ]
}

function eventsOf(text: string): StreamedEvent[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('data: '))
    .map((line) => JSON.parse(line.slice('data: '.length)))
}
