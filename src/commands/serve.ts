import { defineCommand } from 'citty'
import { loadApiKeys } from '../config/api-keys.ts'
import { readEnvFile } from '../config/env-file.ts'
import type { Config } from '../config/schema.ts'
import type { BackendInfo, Engine } from '../engine/types.ts'
import { ClinvkError } from '../errors.ts'
import { isRunning } from '../process/is-running.ts'
import { plainChat } from '../server/chat/run-chat.ts'
import { listen } from '../server/listen.ts'
import { VERSION } from '../version.ts'
import { callableHost } from './address.ts'
import { banner, openWarning } from './banner.ts'
import { consoleLog } from './console-log.ts'
import { askPort } from './doctor/ask-port.ts'
import { drainAndStop } from './drain.ts'
import { setUp } from './setup.ts'

/** A terminal's Ctrl-C reaches us twice when a package manager that runs us passes it on as well, in ms. */
const SAME_SIGNAL_MS = 300

/** Set by the script that runs a checkout: the server then ends with that script, however it ended. */
const PARENT_VARIABLE = 'CLINVK_PARENT'

export default defineCommand({
  meta: { name: 'serve', description: 'Start the HTTP server.' },
  args: {
    host: { type: 'string', description: 'Address to listen on (default 127.0.0.1).' },
    port: {
      type: 'string',
      alias: 'p',
      description: 'Port to listen on (default 8080); 0 takes a free one.',
    },
    demo: { type: 'boolean', description: 'Offer the demo agent, which is no model.' },
    config: { type: 'string', description: 'Configuration file (default ~/.clinvk/config.yaml).' },
    'env-file': {
      type: 'string',
      description: 'File of variables, NAME=value a line, such as the API keys.',
    },
  },
  async run({ args }) {
    const { host, port, demo, config: file, 'env-file': envFile } = args
    if (envFile !== undefined) Object.assign(process.env, await readEnvFile(envFile))
    const { config, engine, workdir } = await setUp({ host, port, demo, config: file })
    // An agent that is being looked at would keep this process alive.
    const { server, hasKeys } = await begin(engine, config).catch(async (error: unknown) => {
      await engine.close()
      throw error
    })
    const warning = openWarning(config.server.host, hasKeys)
    if (warning) console.error(warning)
    const drainMs = config.server.drain_secs * 1000
    const tell = (text: string) => console.error(`clinvk: ${text}`)
    let leaving = false
    const stopped = untilSignal(() => {
      leaving = true
      return drainAndStop({ server, engine, drainMs, tell })
    })
    const backends = await engine.backends()
    if (!leaving) {
      console.log(banner({ url: server.url, host: config.server.host, version: VERSION, workdir, backends }))
      void startAhead(engine, config, backends)
    }
    await stopped
  },
})

/** The first prompt finds its agent running, if it goes where prompts go that name nothing. */
async function startAhead(engine: Engine, { chat }: Config, backends: readonly BackendInfo[]): Promise<void> {
  const main = backends.find((backend) => backend.default && backend.ready)
  if (!main) return
  try {
    await engine.prepare([{ backend: main.name, parts: [] }, plainChat(chat, main)])
  } catch {
    // Chats may not use this agent at all; whoever sends one is told so.
  }
}

async function begin(engine: Engine, config: Config) {
  const apiKeys = await loadApiKeys({ env: process.env, gopassPath: config.server.api_keys_gopass_path })
  try {
    const server = listen({ engine, config, apiKeys, version: VERSION, log: consoleLog })
    return { server, hasKeys: apiKeys.length > 0 }
  } catch (error) {
    const { host, port } = config.server
    const { message: text, cause } = error as Error
    const inUse = (cause as NodeJS.ErrnoException | undefined)?.code === 'EADDRINUSE'
    const other = inUse ? await askPort(callableHost(host), port) : undefined
    throw new ClinvkError(
      'cannot_listen',
      other?.kind === 'clinvk'
        ? `clinvk ${other.version} runs on ${host}:${port} already. Use it, or choose another port with --port.`
        : text,
    )
  }
}

/** Waits for a signal, stops, and resolves. A second signal does not wait: the guardian ends what is left. */
async function untilSignal(stop: () => Promise<void>): Promise<void> {
  const stopped = Promise.withResolvers<void>()
  let first: number | undefined
  const onSignal = () => {
    if (first === undefined) {
      first = performance.now()
      stop().then(stopped.resolve, stopped.reject)
    } else if (performance.now() - first > SAME_SIGNAL_MS) process.exit(1)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
  const parent = Number(process.env[PARENT_VARIABLE])
  if (parent > 0) whenParentIsGone(parent, onSignal)
  await stopped.promise
}

/** Calls back once when the script that started us has ended, as it may have before, or what it started us by. */
function whenParentIsGone(script: number, onGone: () => void): void {
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent && isRunning(script)) return
    clearInterval(timer)
    onGone()
  }, 500)
  timer.unref()
}
