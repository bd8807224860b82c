import { homedir } from 'node:os'
import { defineCommand } from 'citty'
import { currentFolder } from './current-folder.ts'
import { COST_NOTE } from './doctor/ask.ts'
import { examine } from './doctor/examine.ts'
import { checkLines, verdict } from './doctor/report.ts'
import { EXIT } from './exit-code.ts'

/** How long what an agent left open may hold us up once all is said, in ms. */
const LINGER_MS = 2000

/** `clinvk doctor`: says what is well, what is not, and what to do. Ends with 0 where nothing failed, else with 1. */
export default defineCommand({
  meta: {
    name: 'doctor',
    description: 'Look whether everything that clinvk needs is there, and say what to do about what is not.',
  },
  args: {
    backend: { type: 'string', description: 'Look at this backend alone, and expect it to be ready.' },
    ask: {
      type: 'boolean',
      description: 'Ask each agent that is ready for one word. Costs a few tokens of its account.',
    },
    host: { type: 'string', description: 'Address that the server is to listen on.' },
    port: { type: 'string', alias: 'p', description: 'Port that the server is to listen on.' },
    config: { type: 'string', description: 'Configuration file (default ~/.clinvk/config.yaml).' },
    json: { type: 'boolean', description: 'Print JSON.' },
  },
  async run({ args }) {
    const report = await examine({
      file: args.config,
      host: args.host,
      port: args.port,
      backend: args.backend,
      ask: args.ask === true,
      env: process.env,
      homeDir: homedir(),
      cwd: currentFolder(),
      onAsk: () => console.error(COST_NOTE),
    })
    console.log(
      args.json ? JSON.stringify(report, null, 2) : `${checkLines(report.checks)}\n\n${verdict(report)}`,
    )
    process.exitCode = report.ok ? EXIT.ok : EXIT.failure
    setTimeout(() => process.exit(), LINGER_MS).unref()
  },
})
