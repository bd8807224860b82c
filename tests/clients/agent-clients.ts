import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type AgentHome, agentEnv, createAgentHome } from '../agents/env.ts'
import type { RecordedRequest, Reply } from '../support/mock-provider/index.ts'
import { processesIn } from '../support/processes.ts'

/** A call of one of the client's tools, as the model is to make it. */
interface Step {
  readonly tool: string
  readonly input: Record<string, unknown>
}

/** An agent whose model server is clinvk. */
interface AgentClient {
  /** What its user would set. `url` is clinvk's. */
  setUp(url: string, model: string, home: string): Promise<Record<string, string>>
  command(prompt: string): string[]
  /** Reads `notes.txt` of its folder, and replaces "apples" in it by "pears". */
  steps(folder: string, model: string): Step[]
}

export type ClientName = 'claude' | 'codex' | 'opencode' | 'opencode-anthropic'

const opencode = (npm: string, path: string): AgentClient => ({
  async setUp(url, model, home) {
    const provider = {
      npm,
      options: { baseURL: `${url}${path}`, apiKey: 'not-needed' },
      models: { [model]: {} },
    }
    const config = {
      model: `clinvk/${model}`,
      autoupdate: false,
      share: 'disabled',
      provider: { clinvk: provider },
    }
    await writeFile(join(home, '.config/opencode/opencode.json'), JSON.stringify(config))
    return {}
  },
  command: (prompt) => ['opencode', 'run', '--format', 'json', prompt],
  steps: (folder) => [
    { tool: 'read', input: { filePath: join(folder, 'notes.txt') } },
    {
      tool: 'edit',
      input: { filePath: join(folder, 'notes.txt'), oldString: 'apples', newString: 'pears' },
    },
  ],
})

const CLIENTS: Readonly<Record<ClientName, AgentClient>> = {
  claude: {
    setUp: async (url, model) => ({
      ANTHROPIC_BASE_URL: `${url}/anthropic`,
      ANTHROPIC_API_KEY: 'not-needed',
      ANTHROPIC_MODEL: model,
    }),
    command: (prompt) => ['claude', '-p', '--dangerously-skip-permissions', prompt],
    steps: (folder) => [
      { tool: 'Read', input: { file_path: join(folder, 'notes.txt') } },
      {
        tool: 'Edit',
        input: { file_path: join(folder, 'notes.txt'), old_string: 'apples', new_string: 'pears' },
      },
    ],
  },
  codex: {
    async setUp(url, model, home) {
      const config = `model = "${model}"
model_provider = "clinvk"

[model_providers.clinvk]
name = "clinvk"
base_url = "${url}/openai/v1"
wire_api = "responses"
`
      await writeFile(join(home, '.codex/config.toml'), config)
      return {}
    },
    command: (prompt) => [
      'codex',
      'exec',
      '--skip-git-repo-check',
      '--dangerously-bypass-approvals-and-sandbox',
      prompt,
    ],
    steps: (_folder, model) => CODEX_STEPS[model] ?? [cat, { tool: 'exec_command', input: { cmd: SED } }],
  },
  opencode: opencode('@ai-sdk/openai-compatible', '/openai/v1'),
  'opencode-anthropic': opencode('@ai-sdk/anthropic', '/anthropic/v1'),
}

const SED = 'sed -i s/apples/pears/ notes.txt'
const cat: Step = { tool: 'exec_command', input: { cmd: 'cat notes.txt' } }
const exec = (cmd: string): Step => ({
  tool: 'exec',
  input: { input: `text(await tools.exec_command({ cmd: ${JSON.stringify(cmd)} }))` },
})

/** Which tools Codex 0.169.0 has depends on the model that it thinks it talks to. */
const CODEX_STEPS: Readonly<Record<string, Step[]>> = {
  // A custom tool edits, and most tools are behind a search.
  'gpt-5.5': [
    cat,
    { tool: 'tool_search', input: { query: 'wait for an agent' } },
    { tool: 'multi_agent_v1__wait_agent', input: {} },
    {
      tool: 'apply_patch',
      input: {
        input:
          '*** Begin Patch\n*** Update File: notes.txt\n@@\n-I like apples.\n+I like pears.\n*** End Patch',
      },
    },
  ],
  // An item of the input brings the tools, all of them in namespaces.
  'gpt-6-sol': [exec('cat notes.txt'), { tool: 'collaboration__list_agents', input: {} }, exec(SED)],
}

/** A task that plays: the client works in its folder, with a home of its own. */
export interface AgentTask {
  readonly home: AgentHome
  /** What the model of this task says to a request of its client. */
  play(request: RecordedRequest): Reply
  /** The requests of the client's turns: what asks for a title besides has none of its tools. */
  readonly rounds: readonly RecordedRequest[]
  readonly steps: readonly Step[]
  start(): { readonly proc: Bun.Subprocess<'ignore', 'pipe', 'pipe'>; readonly output: Promise<string> }
  /** Removes its home. @throws Error where something of it still runs. */
  end(): Promise<void>
}

/** Prepares a task for a client. `more` are calls that come after those that edit the file. */
export async function createTask(
  name: ClientName,
  url: string,
  model: string,
  more: readonly Step[] = [],
): Promise<AgentTask> {
  const client = CLIENTS[name]
  const home = await createAgentHome()
  const base = await agentEnv(url, home)
  const env = { ...base, ...(await client.setUp(url, model, home.home)) }
  await writeFile(join(home.workdir, 'notes.txt'), 'I like apples.\n')
  const steps = [...client.steps(home.workdir, model), ...more]
  const rounds: RecordedRequest[] = []
  return {
    home,
    steps,
    rounds,
    play(request) {
      const [first] = steps
      if (first === undefined || offeredAs(first.tool, request) === undefined) return { text: 'A title' }
      const step = steps[rounds.length]
      rounds.push(request)
      if (step === undefined) return { text: 'All is done.' }
      const tool = offeredAs(step.tool, request)
      if (tool === undefined) return { text: `${step.tool} is not among ${request.tools.join(', ')}.` }
      return { text: `Step ${rounds.length}.`, toolCalls: [{ name: tool, input: step.input }] }
    },
    start() {
      const proc = Bun.spawn({
        cmd: client.command('Read notes.txt and replace the word apples by pears.'),
        cwd: home.workdir,
        env,
        stdin: 'ignore',
        stdout: 'pipe',
        stderr: 'pipe',
      })
      const output = Promise.all([proc.stdout.text(), proc.stderr.text()]).then((both) => both.join('\n'))
      return { proc, output }
    },
    async end() {
      const left = await processesIn(home.home)
      await home.remove()
      if (left.length > 0) throw new Error(`These still run: ${left.join('\n')}`)
    },
  }
}

/** What the model is offered a tool of the client as: agents put something before names, or behind them. */
function offeredAs(tool: string, { tools }: RecordedRequest): string | undefined {
  return tools.find((name) => name === tool) ?? tools.find((name) => name.endsWith(`_${tool}`))
}
