import { lstat, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import type { BackendSettings } from '../types.ts'
import type { AcpProfile, Startup } from './profile.ts'

/** A process to start, as data: sessions for which it is equal can share one. */
export interface Launch {
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly file?: Startup['file']
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
    ...(startup.file ? { file: startup.file } : {}),
  }
}

/** A folder of ours that the processes of a driver live in, with the files that they are started with. */
export interface Workshop {
  readonly folder: string
  /** The command with the launch's file written and named. */
  prepare(launch: Launch): Promise<readonly string[]>
  remove(): Promise<void>
}

/**
 * A process serves many working directories, so it is at home in none of them: they may be removed while it lives.
 * The folder is always the same, since agents keep a record of every folder that they were started in.
 */
export async function openWorkshop(): Promise<Workshop> {
  const folder = await ownFolder(join(tmpdir(), `clinvk-agents-${process.getuid?.() ?? userInfo().username}`))
  const written = new Set<string>()
  return {
    folder,
    async prepare({ command, file }) {
      if (!file) return command
      const place = await mkdtemp(join(tmpdir(), 'clinvk-rules-'))
      written.add(place)
      const path = join(place, file.name)
      await writeFile(path, file.text, { mode: 0o600 })
      return [...command, file.flag, path]
    },
    async remove() {
      await Promise.all([...written].map((place) => rm(place, { recursive: true, force: true })))
      written.clear()
    },
  }
}

/** What lies in it is read as instructions and settings, so it must be nobody else's. */
async function ownFolder(path: string): Promise<string> {
  await mkdir(path, { mode: 0o700 }).catch(() => {})
  const found = await lstat(path).catch(() => undefined)
  const ours =
    found?.isDirectory() &&
    (process.getuid === undefined || (found.uid === process.getuid() && (found.mode & 0o022) === 0))
  return ours ? path : mkdtemp(join(tmpdir(), 'clinvk-agents-'))
}
