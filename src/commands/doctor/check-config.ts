import { DEMO_AGENT } from '../../agents/known.ts'
import { type LoadedConfig, loadConfig } from '../../config/load.ts'
import { resolvePaths } from '../../config/paths.ts'
import { formatProblem, type Problem } from '../../config/problems.ts'
import { ClinvkError } from '../../errors.ts'
import type { Check } from './report.ts'

const ALL_KEYS = 'https://github.com/signalridge/clinvk/blob/main/docs/configuration.md'

/** The configuration to look at everything else with, and what is to be said of it. */
export interface ConfigFound {
  readonly loaded: LoadedConfig
  /** False: it is wrong, and the rest is looked at with the defaults. */
  readonly valid: boolean
  readonly checks: readonly Check[]
}

export interface ConfigOptions {
  readonly file: string | undefined
  readonly host: string | undefined
  readonly port: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readonly homeDir: string
  readonly cwd: string
}

/** Loads the configuration as the server does. Where it is wrong, the rest can still be looked at. */
export async function checkConfig({ file, host, port, ...from }: ConfigOptions): Promise<ConfigFound> {
  try {
    const loaded = await loadConfig({ ...from, flags: { config: file, host, port } })
    return { loaded, valid: true, checks: checksOf(loaded) }
  } catch (error) {
    if (!(error instanceof ClinvkError)) throw error
    const problems = (error.details['problems'] ?? [{ message: error.message }]) as Problem[]
    const checks = problems.map(
      (problem): Check => ({
        part: 'config',
        status: 'fail',
        message: formatProblem(problem),
        todo: `Mend it: clinvk does not start with it. All keys: ${ALL_KEYS}`,
      }),
    )
    const defaults = await loadConfig({ env: {}, homeDir: '/dev/null' })
    return { loaded: { ...defaults, paths: resolvePaths(from) }, valid: false, checks }
  }
}

function checksOf({ config, paths, fileFound, warnings }: LoadedConfig): Check[] {
  const named = paths.namedBy === undefined ? '' : ` (${paths.namedBy})`
  const main: Check = {
    part: 'config',
    status: 'ok',
    message: fileFound
      ? `${paths.configFile}${named} is valid.`
      : `There is no ${paths.configFile}, and none is needed: the defaults are used.`,
    facts: { file: paths.configFile, found: fileFound },
  }
  const demo: Check[] =
    config.default_backend === DEMO_AGENT
      ? [
          {
            part: 'config',
            status: 'fail',
            message: 'default_backend is the demo agent, which is no model.',
            todo: 'Name another one, or leave it out. Prompts reach the demo agent by name.',
          },
        ]
      : []
  return [main, ...demo, ...warnings.map((message): Check => ({ part: 'config', status: 'warn', message }))]
}
