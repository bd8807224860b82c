import { NOWHERE, spawnChild } from '../../process/child.ts'
import { collectText } from '../../process/collect.ts'
import { fields, items } from '../fields.ts'

/** How long Codex may take to tell its models, in ms; where somebody is logged in it may ask its vendor for news. */
const TIMEOUT_MS = 10_000
const MOST_BYTES = 16 * 1024 * 1024

/** A model of the catalog. */
type Model = Readonly<Record<string, unknown>>

/**
 * Codex's own catalog of models, as JSON, with what binds tools to a model changed. Everything else stays as it is, the
 * way in which the model is spoken to first of all. `undefined` for a version that does not tell its catalog: older ones
 * have no such models.
 */
export async function changedCatalog(
  change: (model: Model) => Model,
  command: readonly string[],
  flags: readonly string[],
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const catalog = parse(await run([...command, 'debug', 'models', ...flags], env, signal))
  const models = items(catalog['models'])
  if (models.length === 0) return undefined
  return JSON.stringify({ ...catalog, models: models.map(change) })
}

/**
 * A model without the tools that come with it: some are offered `apply_patch`, or a JavaScript tool that reaches all
 * others, whatever the configuration says.
 */
export function withoutTools(model: Model): Model {
  const { tool_mode: _mode, multi_agent_version: _agents, ...rest } = model
  return { ...rest, apply_patch_tool_type: null, experimental_supported_tools: [] }
}

/**
 * A model that calls its tools itself. In code mode a script of the model's does, and goes on without a result that
 * takes longer than 30 s (0.169.0).
 */
export function withoutScripts({ tool_mode: _, ...model }: Model): Model {
  return model
}

async function run(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<string> {
  const child = await spawnChild({ command, cwd: NOWHERE, env })
  const end = () => void child.terminate({ termMs: 0 })
  const timer = setTimeout(end, TIMEOUT_MS)
  signal.addEventListener('abort', end, { once: true })
  try {
    if (signal.aborted) end()
    await child.endInput()
    const output = await collectText(child.stdout, MOST_BYTES)
    return (await child.exited).code === 0 ? output : ''
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', end)
    await child.terminate()
  }
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    return fields(JSON.parse(text))
  } catch {
    return {}
  }
}
