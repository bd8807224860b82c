import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { resolveWorkdir, type WorkdirRules } from './workdir.ts'

/** The folder of a conversation. */
export interface Place {
  /** Absolute, its real path. */
  readonly workdir: string
  /** It was made for this conversation and goes with it. */
  readonly scratch: boolean
  /** Removes what was made. */
  readonly cleanUp: () => Promise<void>
}

/** Where agents may work. */
export interface Folders {
  /** The folder that a request names, or the default one. @throws as {@link resolveWorkdir} */
  resolve(asked: string | undefined): Promise<string>
  /** A fresh folder that only this user can look into. */
  scratch(): Promise<Place>
}

/**
 * The folders of this machine, under the operator's rules. Scratch folders are made in `scratchRoot`, a folder of this
 * user's own: agents look for settings in the folders above theirs, and in a shared one those may be anybody's.
 */
export function createFolders(rules: WorkdirRules, scratchRoot: string): Folders {
  return {
    resolve: (asked) => resolveWorkdir(asked, rules),
    async scratch() {
      await mkdir(scratchRoot, { recursive: true, mode: 0o700 })
      const workdir = await realpath(await mkdtemp(join(scratchRoot, 'chat-')))
      return {
        workdir,
        scratch: true,
        cleanUp: () => rm(workdir, { recursive: true, force: true, maxRetries: 3 }),
      }
    },
  }
}
