import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ClinvkError } from '../errors.ts'
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
  /** A fresh folder that only this user can look into. @throws `backend_not_ready` while the machine has no room. */
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
      const workdir = await makeFolder(scratchRoot).catch((error: unknown) => {
        throw withoutRoom(error) ?? error
      })
      return {
        workdir,
        scratch: true,
        cleanUp: () => rm(workdir, { recursive: true, force: true, maxRetries: 3 }),
      }
    },
  }
}

async function makeFolder(root: string): Promise<string> {
  await mkdir(root, { recursive: true, mode: 0o700 })
  return await realpath(await mkdtemp(join(root, 'chat-')))
}

/** What ends by itself when other requests have ended, or the operator makes room. */
const NO_ROOM: ReadonlySet<unknown> = new Set(['EMFILE', 'ENFILE', 'ENOSPC', 'EDQUOT'])

function withoutRoom(error: unknown): ClinvkError | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (!NO_ROOM.has(code)) return undefined
  return new ClinvkError(
    'backend_not_ready',
    `This machine has no room for another conversation now (${code}). Try again later.`,
    { cause: error },
  )
}
