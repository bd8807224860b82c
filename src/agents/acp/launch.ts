import { lstat, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { ClinvkError } from '../../errors.ts'
import { amongTemporary, makeTemporary } from '../../process/temporary.ts'
import type { BackendSettings } from '../types.ts'
import { type AcpProfile, PLACE, type Startup } from './profile.ts'

/** A process to start, as data: sessions for which it is equal can share one. */
export interface Launch extends Pick<Startup, 'files' | 'links'> {
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** What the process of a session is started with. `flags` are the caller's own. */
export function toLaunch(
  { command, env, extraFlags }: Pick<BackendSettings, 'command' | 'env' | 'extraFlags'>,
  profile: Pick<AcpProfile, 'args' | 'env'>,
  startup: Startup,
  flags: readonly string[] = [],
): Launch {
  const missing = profile.args.filter((arg) => !command.includes(arg))
  return {
    command: [...command, ...missing, ...startup.args, ...extraFlags, ...flags],
    env: { ...profile.env, ...env, ...startup.env },
    ...(startup.files ? { files: startup.files } : {}),
    ...(startup.links ? { links: startup.links } : {}),
  }
}

/** Folders of ours that the processes of a driver live in, with the files that they are started with. */
export interface Workshop {
  readonly folder: string
  /** The command and environment with the launch's files written and named. */
  prepare(launch: Launch): Promise<Pick<Launch, 'command' | 'env'>>
  remove(): Promise<void>
}

/**
 * A process serves many working directories, so it is at home in none of them: they may be removed while it lives.
 * The folder is always the same, since agents keep a record of every folder that they were started in.
 *
 * @throws `backend_not_ready` where there is no place for it.
 */
export async function openWorkshop(): Promise<Workshop> {
  const folder = await amongTemporary(async (root) => {
    const own = await ownFolder(join(root, `clinvk-agents-${process.getuid?.() ?? userInfo().username}`))
    await bound(own)
    return own
  })
  // By their content: what an agent keeps next to its files is there for its successor.
  const places = new Map<string, Promise<string>>()
  let removed = false
  return {
    folder,
    async prepare({ command, env, files = {}, links = {} }) {
      if (removed) throw new ClinvkError('shutting_down', 'The backend is shutting down.')
      const key = JSON.stringify([files, links])
      if (key === '[{},{}]') return { command, env }
      const found = places.get(key) ?? amongTemporary(() => furnish(files, links))
      places.set(key, found)
      found.catch(() => places.delete(key))
      const place = await found
      const named = (text: string) => text.replaceAll(PLACE, place)
      return {
        command: command.map(named),
        env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, named(value)])),
      }
    },
    async remove() {
      removed = true
      const made = await Promise.allSettled(places.values())
      places.clear()
      await Promise.all(
        made.map((place) =>
          place.status === 'fulfilled'
            ? rm(place.value, { recursive: true, force: true, maxRetries: 3 })
            : undefined,
        ),
      )
    },
  }
}

async function furnish(
  files: Readonly<Record<string, string>>,
  links: Readonly<Record<string, string>>,
): Promise<string> {
  const place = await makeTemporary('clinvk-set-up-')
  for (const name of [...Object.keys(files), ...Object.keys(links)])
    await mkdir(dirname(join(place, name)), { recursive: true, mode: 0o700 })
  for (const [name, text] of Object.entries(files)) await writeFile(join(place, name), text, { mode: 0o600 })
  for (const [name, target] of Object.entries(links)) await symlink(target, join(place, name))
  return place
}

/**
 * Makes a folder the root of a repository without anything in it: agents look for instructions, settings and plugins
 * in all folders above, up to where the repository begins, and what is above this one may be anybody's.
 */
async function bound(folder: string): Promise<void> {
  await mkdir(join(folder, '.git', 'objects'), { recursive: true })
  await mkdir(join(folder, '.git', 'refs'), { recursive: true })
  await writeFile(join(folder, '.git', 'HEAD'), 'ref: refs/heads/main\n')
}

/** What lies in it is read as instructions and settings, so it must be nobody else's. */
async function ownFolder(path: string): Promise<string> {
  await mkdir(path, { mode: 0o700 }).catch(() => {})
  const found = await lstat(path).catch(() => undefined)
  const ours =
    found?.isDirectory() &&
    (process.getuid === undefined || (found.uid === process.getuid() && (found.mode & 0o022) === 0))
  return ours ? path : makeTemporary('clinvk-agents-')
}
