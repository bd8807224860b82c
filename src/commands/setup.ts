import { homedir } from 'node:os'
import { type LoadedConfig, loadConfig } from '../config/load.ts'
import type { ConfigFlags } from '../config/overrides.ts'
import { defaultFolder, engineFromConfig } from '../engine/from-config.ts'
import type { Engine } from '../engine/types.ts'
import { consoleLog } from './console-log.ts'
import { currentFolder } from './current-folder.ts'

/** Loads the configuration and makes the engine from it, as every command does that has to do with agents. */
export async function setUp(flags: ConfigFlags): Promise<LoadedConfig & { engine: Engine; workdir: string }> {
  const { env } = process
  const cwd = currentFolder()
  const loaded = await loadConfig({ flags, env, homeDir: homedir(), cwd })
  const warn = (text: string) => console.error(`clinvk: warning: ${text}`)
  for (const warning of loaded.warnings) warn(warning)
  const engine = await engineFromConfig({
    config: loaded.config,
    configured: loaded.configuredBackends,
    env,
    home: loaded.paths.home,
    cwd,
    demo: flags.demo === true,
    warn,
    onStoreFailure: (error) => consoleLog('error', 'something could not be kept', { error }),
  })
  const workdir = await defaultFolder({ config: loaded.config, cwd, home: loaded.paths.home })
  return { ...loaded, engine, workdir }
}
