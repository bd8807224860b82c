/** Runs in the container: a mock of the model providers for its agents, and the settings that lead them to it. */
import { homedir } from 'node:os'
import { writeAgentSettings } from '../../agents/env.ts'
import { startMockProvider } from '../../support/mock-provider/index.ts'

const port = Number(process.argv[2])
const provider = await startMockProvider({ port })
await writeAgentSettings(`http://127.0.0.1:${port}`, { home: homedir() })
console.log(`The mock provider listens on ${provider.url}.`)
