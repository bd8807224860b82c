/** Runs in the machine: a mock of the model providers, whose models run the command of a prompt `run: COMMAND`, and say `ran it`. */
import { homedir } from 'node:os'
import { writeAgentSettings } from '../../agents/env.ts'
import { type Reply, startMockProvider } from '../../support/mock-provider/index.ts'
import type { RecordedRequest } from '../../support/mock-provider/types.ts'

const port = Number(process.argv[2])
const provider = await startMockProvider({ port })
const ran = new Set<string>()
provider.play(({ dialect, prompt }: RecordedRequest): Reply => {
  const [, command] = /^run: (.*)$/m.exec(prompt) ?? []
  if (command === undefined || ran.has(dialect + command)) return { text: 'ran it' }
  ran.add(dialect + command)
  const codex = { name: 'exec_command', input: { cmd: command } }
  const claude = { name: 'Bash', input: { command, description: 'run it' } }
  return { toolCalls: [dialect === 'openai' ? codex : claude] }
})
await writeAgentSettings(`http://127.0.0.1:${port}`, { home: homedir() })
console.log(`The mock provider listens on ${provider.url}.`)
