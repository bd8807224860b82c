import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../config/schema.ts'
import { engineFromConfig } from '../engine/from-config.ts'
import type { Engine } from '../engine/types.ts'
import { makeTemporary } from '../process/temporary.ts'
import { within } from '../process/within.ts'

/** What {@link withEngineAside} makes an engine from. */
export interface AsideOptions {
  readonly config: Config
  readonly configured: ReadonlySet<string>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** Look at this backend alone. */
  readonly only?: string | undefined
  /** Where its folder is made, for agents that will work below it: they look for settings in the folders above theirs. */
  readonly below?: string
}

/** How long agents have to end, in ms. */
const CLOSE_MS = 8000

/**
 * Gives an engine that keeps nothing and disturbs nobody: its home is a folder of its own, which goes with it, so the
 * user's store is neither brought up to date nor tidied up, and a server that uses it does not notice.
 *
 * The engine has no default backend: what the configuration says of that is for the caller to judge.
 *
 * @throws `backend_not_ready` where there is no place for such a folder.
 */
export async function withEngineAside<T>(
  { config: whole, configured, env, cwd, only, below }: AsideOptions,
  work: (engine: Engine) => Promise<T>,
): Promise<T> {
  const home = await makeFolder(below)
  const { default_backend: _, ...config } = whole
  try {
    const engine = await engineFromConfig({
      config: { ...config, backends: only === undefined ? config.backends : pick(config.backends, only) },
      configured,
      env,
      home,
      cwd,
      // Asked for, it is there without a look at all the others first.
      demo: true,
    })
    try {
      return await work(engine)
    } finally {
      await within(CLOSE_MS, engine.close())
    }
  } finally {
    await rm(home, { recursive: true, force: true, maxRetries: 3 })
  }
}

const PREFIX = 'clinvk-aside-'

/** In the system's own place for such folders where the wanted one cannot be written to. */
async function makeFolder(below: string | undefined): Promise<string> {
  if (below === undefined) return await makeTemporary(PREFIX)
  try {
    await mkdir(below, { recursive: true, mode: 0o700 })
    return await mkdtemp(join(below, PREFIX))
  } catch {
    return await makeTemporary(PREFIX)
  }
}

/** The engine always wants to know of the demo agent. */
function pick(backends: Config['backends'], name: string): Config['backends'] {
  return Object.fromEntries(Object.entries(backends).filter(([each]) => each === name || each === 'demo'))
}
