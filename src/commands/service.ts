import { homedir } from 'node:os'
import { resolve } from 'node:path'
import { defineCommand } from 'citty'
import { selfCommand } from '../agents/demo/self-command.ts'
import { ClinvkError } from '../errors.ts'
import { install, installed, planOf, uninstall } from '../service/install.ts'
import { launchd } from '../service/launchd.ts'
import { runTool } from '../service/run-tool.ts'
import { toSpec } from '../service/spec.ts'
import { systemd } from '../service/systemd.ts'
import type { Manager, ServiceSpec } from '../service/types.ts'
import { EXIT } from './exit-code.ts'
import { healthOf, isServing, isTaken, type Where, whereIs } from './service/where.ts'

const WHICH = {
  manager: { type: 'string', description: 'systemd or launchd (default: what this system has).' },
  system: { type: 'boolean', description: 'A service of the whole machine, instead of your own.' },
} as const

const WHAT = {
  ...WHICH,
  host: { type: 'string', description: 'Address to listen on, as for serve.' },
  port: { type: 'string', alias: 'p', description: 'Port to listen on, as for serve.' },
  config: { type: 'string', description: 'Configuration file, as for serve.' },
  demo: { type: 'boolean', description: 'Offer the demo agent, as for serve.' },
  'run-as': {
    type: 'string',
    description:
      'With --system: the user whose agents, logins and files it works with (default: you, also under sudo).',
  },
} as const

const print = defineCommand({
  meta: { name: 'print', description: 'Print the unit or property list.' },
  args: WHAT,
  async run({ args }) {
    process.stdout.write(managerOf(args).describe(await specOf(args)))
  },
})

const installing = defineCommand({
  meta: { name: 'install', description: 'Write it, and have clinvk started now and from now on.' },
  args: {
    ...WHAT,
    'dry-run': { type: 'boolean', description: 'Only say what would be done.' },
    force: { type: 'boolean', description: 'Replace a file that clinvk did not write.' },
  },
  async run({ args }) {
    const manager = managerOf(args)
    const spec = await specOf(args)
    if (args['dry-run']) console.log(planOf(manager, spec))
    else
      await install(manager, spec, {
        run: runTool,
        tell: console.log,
        force: args.force === true,
        server: await probeOf(spec),
      })
  },
})

const uninstalling = defineCommand({
  meta: { name: 'uninstall', description: 'Stop clinvk and remove what install wrote.' },
  args: WHICH,
  async run({ args }) {
    await uninstall(managerOf(args), { run: runTool, tell: console.log })
  },
})

const status = defineCommand({
  meta: { name: 'status', description: 'Tell whether it is installed, runs and answers.' },
  args: { ...WHICH, json: { type: 'boolean', description: 'Print JSON.' } },
  async run({ args }) {
    const manager = managerOf(args)
    const found = await installed(manager.file)
    const state = found && (await manager.state(runTool))
    const { url, unknown }: Where = found ? await whereIs(found.flags, homedir()) : {}
    const health = url === undefined ? undefined : await healthOf(url)
    const log = state?.failed ? await manager.lastWords(runTool) : []
    if (args.json)
      console.log(
        JSON.stringify(
          {
            manager: manager.name,
            file: manager.file,
            installed: found !== undefined,
            ours: found?.ours ?? false,
            enabled: state?.enabled ?? false,
            running: state?.running ?? false,
            ...(state?.pid === undefined ? {} : { pid: state.pid }),
            ...(state ? { state: state.words } : {}),
            ...(url === undefined ? {} : { url }),
            ...(health === undefined ? {} : { health }),
            ...(log.length === 0 ? {} : { log }),
          },
          null,
          2,
        ),
      )
    else if (!found || !state) console.log(`Not installed: there is no ${manager.file}.`)
    else {
      console.log(`Installed: ${manager.file}${found.ours ? '' : ' (not written by clinvk)'}`)
      console.log(`Enabled:   ${state.enabled ? 'yes' : 'no'}`)
      console.log(
        `Running:   ${state.running ? 'yes' : 'no'}, ${state.words}${state.pid ? `, process ${state.pid}` : ''}`,
      )
      console.log(`Health:    ${url === undefined ? `unknown: ${unknown}` : `${url}/health ${health}`}`)
      if (log.length > 0) console.log(['Its log ends with:', ...log.map((line) => `  ${line}`)].join('\n'))
    }
    if (!state?.running || (health !== undefined && !isServing(health))) process.exitCode = EXIT.failure
  },
})

export default defineCommand({
  meta: { name: 'service', description: 'Run clinvk as a service of systemd or launchd.' },
  subCommands: { print, install: installing, uninstall: uninstalling, status },
})

interface Which {
  readonly manager?: string | undefined
  readonly system?: boolean | undefined
}

function managerOf({
  manager = process.platform === 'darwin' ? 'launchd' : 'systemd',
  system = false,
}: Which): Manager {
  const place = { system, homeDir: homedir(), env: process.env }
  if (manager === 'launchd') return launchd(place, process.getuid?.() ?? 0)
  if (manager === 'systemd') return systemd(place)
  throw new ClinvkError(
    'invalid_request',
    `--manager: expected systemd or launchd, not ${JSON.stringify(manager)}.`,
  )
}

interface What extends Which {
  readonly host?: string | undefined
  readonly port?: string | undefined
  readonly config?: string | undefined
  readonly demo?: boolean | undefined
  readonly 'run-as'?: string | undefined
}

async function specOf({
  host,
  port,
  config,
  demo,
  system = false,
  'run-as': runAs,
}: What): Promise<ServiceSpec> {
  return await toSpec({
    flags: { host, port, demo, config: config === undefined ? undefined : resolve(config) },
    system,
    runAs,
    env: process.env,
    homeDir: homedir(),
    serve: (options) => selfCommand(['serve', ...options]),
    run: runTool,
  })
}

/** How to find out about the server of a service; undefined where it takes any free port. */
async function probeOf({ flags }: ServiceSpec) {
  const { url } = await whereIs(flags, homedir())
  if (url === undefined) return undefined
  return {
    url,
    urlOf: async (before: ServiceSpec['flags']) => (await whereIs(before, homedir())).url,
    isTaken: () => isTaken(url),
    isServing: async () => isServing(await healthOf(url)),
  }
}
