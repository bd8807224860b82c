import { access, constants, stat, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ClinvkError } from '../../errors.ts'
import { whyNot, whyNotWritable } from '../../process/temporary.ts'
import { inspectStore } from '../../sessions/inspect.ts'
import type { Check } from './report.ts'

const MB = 1024 * 1024
/** Below it, little goes wrong today and much tomorrow; below the second, answers cannot be kept. */
const WARN_FREE_BYTES = 500 * MB
const FAIL_FREE_BYTES = 50 * MB

/** Looks at the folder and the database in it. Nothing is made, but for a small file that is removed at once. */
export async function checkStore(home: string): Promise<Check[]> {
  const folder = await nearestFolder(home)
  const problem = await whyNoStore(home, folder)
  if (problem !== undefined)
    return [
      {
        part: 'store',
        status: 'fail',
        message: `The folder ${home} cannot be written to (${problem}).`,
        todo: 'Make it writable for you, or set CLINVK_HOME to another folder.',
        facts: { folder: home, writable: false },
      },
    ]
  return [lookAt(home, folder === home), await checkDisk(folder)]
}

function lookAt(home: string, exists: boolean): Check {
  const path = join(home, 'clinvk.db')
  try {
    const found = inspectStore(path)
    if (found === undefined)
      return {
        part: 'store',
        status: 'ok',
        message: exists
          ? `${home} is writable; the first start makes the store in it.`
          : `${home} can be made; the first start does it.`,
        facts: { folder: home, writable: true, exists: false },
      }
    const { version, ownVersion, bytes } = found
    const facts = {
      folder: home,
      writable: true,
      exists: true,
      schema: version,
      own_schema: ownVersion,
      bytes,
    }
    if (version > ownVersion)
      return {
        part: 'store',
        status: 'fail',
        message: `${path} was made by a newer clinvk (form ${version}, and this one knows ${ownVersion}).`,
        todo: 'Use that clinvk, or set CLINVK_HOME to another folder.',
        facts,
      }
    const form =
      version === ownVersion
        ? `form ${version}`
        : `form ${version}, the next start brings it to ${ownVersion}`
    return { part: 'store', status: 'ok', message: `${path}: ${form}, ${inUnits(bytes)}.`, facts }
  } catch (error) {
    if (!(error instanceof ClinvkError)) throw error
    return { part: 'store', status: 'fail', message: error.message, facts: { folder: home, writable: true } }
  }
}

async function checkDisk(folder: string): Promise<Check> {
  const { bavail, bsize } = await statfs(folder)
  const free = bavail * bsize
  const message = `${inUnits(free)} are free in ${folder}.`
  const facts = { free_bytes: free }
  if (free >= WARN_FREE_BYTES) return { part: 'disk', status: 'ok', message, facts }
  const status = free < FAIL_FREE_BYTES ? 'fail' : 'warn'
  return {
    part: 'disk',
    status,
    message,
    todo: 'Free some space, or set CLINVK_HOME to another disk.',
    facts,
  }
}

/** The folder itself, or the one above it that exists. */
async function nearestFolder(path: string): Promise<string> {
  for (let folder = path; ; folder = dirname(folder)) {
    const found = await stat(folder).catch(() => undefined)
    if (found || folder === dirname(folder)) return folder
  }
}

/** A word for it, or undefined where it can be written to. */
async function whyNoStore(home: string, folder: string): Promise<string | undefined> {
  try {
    if (!(await stat(folder)).isDirectory()) return `${folder} is no folder`
    await access(folder, constants.W_OK | constants.X_OK)
    return folder === home ? await whyNotWritable(home) : undefined
  } catch (error) {
    return whyNot(error)
  }
}

function inUnits(bytes: number): string {
  if (bytes >= 1024 * MB) return `${(bytes / 1024 / MB).toFixed(1)} GB`
  return bytes >= MB ? `${(bytes / MB).toFixed(1)} MB` : `${Math.ceil(bytes / 1024)} KB`
}
