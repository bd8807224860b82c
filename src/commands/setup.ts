import { homedir } from 'node:os'
import { type LoadedConfig, loadConfig } from '../config/load.ts'
import type { ConfigFlags } from '../config/overrides.ts'
import { engineFromConfig } from '../engine/from-config.ts'
import type { Engine } from '../engine/types.ts'

/** Loads the configuration and makes the engine from it, as every command does that has to do with agents. */
export async function setUp(flags: ConfigFlags): Promise<LoadedConfig & { engine: Engine }> {
  const { env } = process
  const loaded = await loadConfig({ flags, env, homeDir: homedir() })
  for (const warning of loaded.warnings) console.error(`clinvk: warning: ${warning}`)
  const engine = await engineFromConfig({
    config: loaded.config,
    configured: loaded.configuredBackends,
    env,
    home: loaded.paths.home,
    cwd: process.cwd(),
    demo: flags.demo === true,
  })
  return { ...loaded, engine }
}
