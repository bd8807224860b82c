import { homedir } from 'node:os'
import { defineCommand } from 'citty'
import { loadConfig } from '../config/load.ts'
import { ClinvkError } from '../errors.ts'
import { withEngineAside } from './aside.ts'
import { connectionText, toolLines } from './connect/print.ts'
import { findTarget } from './connect/target.ts'
import { findTool, TOOLS, toConnection } from './connect/tools.ts'
import { currentFolder } from './current-folder.ts'

/** `clinvk connect TOOL`: the settings of a client, ready to paste. It writes nothing: those files are the user's. */
export default defineCommand({
  meta: { name: 'connect', description: 'Print the settings that connect a tool to clinvk.' },
  args: {
    tool: { type: 'positional', required: false, description: 'The tool. Without one all are listed.' },
    url: { type: 'string', description: 'Address of the server (default: as it is configured).' },
    model: { type: 'string', alias: 'm', description: 'Model (default: the default backend).' },
    config: { type: 'string', description: 'Configuration file (default ~/.clinvk/config.yaml).' },
    json: { type: 'boolean', description: 'Print JSON.' },
  },
  async run({ args }) {
    if (args.tool === undefined) {
      const list = TOOLS.map(({ name, title, triedWith }) => ({ name, title, tried_with: triedWith ?? null }))
      console.log(args.json ? JSON.stringify({ tools: list }, null, 2) : toolLines())
      return
    }
    const { tool, meant } = findTool(args.tool)
    if (!tool) throw unknown(args.tool, meant)
    const { env } = process
    const cwd = currentFolder()
    const loaded = await loadConfig({ flags: { config: args.config }, env, homeDir: homedir(), cwd })
    const aside = { config: loaded.config, configured: loaded.configuredBackends, env, cwd }
    const backends = await withEngineAside(aside, (engine) => engine.backends())
    const { target, warnings } = findTarget({ url: args.url, model: args.model }, loaded, backends, env)
    for (const warning of warnings) console.error(`clinvk: ${warning}`)
    const connection = toConnection(tool, target)
    console.log(args.json ? JSON.stringify(connection, null, 2) : connectionText(connection))
  },
})

function unknown(name: string, meant: string | undefined): ClinvkError {
  const question = meant === undefined ? '' : ` Did you mean ${meant}?`
  return new ClinvkError(
    'invalid_request',
    `The settings of ${JSON.stringify(name)} are not known.${question} There are: ${TOOLS.map((tool) => tool.name).join(', ')}.`,
  )
}
