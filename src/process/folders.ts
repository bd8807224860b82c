import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
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

/** The folders of this machine, under the operator's rules. */
export function createFolders(rules: WorkdirRules): Folders {
  return {
    resolve: (asked) => resolveWorkdir(asked, rules),
    async scratch() {
      const workdir = await realpath(await mkdtemp(join(tmpdir(), 'clinvk-scratch-')))
      return {
        workdir,
        scratch: true,
        cleanUp: () => rm(workdir, { recursive: true, force: true, maxRetries: 3 }),
      }
    },
  }
}
