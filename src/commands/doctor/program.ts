import { open, readFile, realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { findProgram } from '../../process/child.ts'
import { collectText } from '../../process/collect.ts'
import { numbersOf } from './versions.ts'

type Env = Readonly<Record<string, string>>

/** How long an interpreter may take to tell its version, in ms. */
const PATIENCE_MS = 5000
const MOST_BYTES = 64 * 1024

/** What is wrong with the program that runs a program. */
export interface Trouble {
  readonly message: string
  readonly todo: string
}

/**
 * CLIs from npm are scripts for Node: with an old one, or none on the PATH, they end before they say a word of ours. What
 * they need stands in their package.
 */
export async function interpreterTrouble(program: string, env: Env): Promise<Trouble | undefined> {
  const interpreter = await interpreterOf(program)
  if (interpreter !== 'node' && interpreter !== 'bun') return undefined
  const wanted = await enginesOf(program, interpreter)
  const title = interpreter === 'node' ? 'Node' : 'Bun'
  const need = wanted === undefined ? title : `${title} ${wanted} or newer`
  const found = findProgram(interpreter, env)
  const todo = `Install ${need}, and see that it comes first on the PATH.`
  if (found === undefined) return { message: `it needs ${need}, and there is none on the PATH`, todo }
  const version = numbersOf(await versionOf(found, env))
  if (version === undefined) return { message: `it needs ${need}, and ${found} tells no version`, todo }
  const [major = 0] = version
  if (wanted === undefined || major >= wanted) return undefined
  return { message: `it needs ${need}, and ${found} is ${version.join('.')}`, todo }
}

/** The interpreter that a script's first line names, behind `env` or not. */
async function interpreterOf(program: string): Promise<string | undefined> {
  const file = await open(program).catch(() => undefined)
  try {
    const { bytesRead = 0, buffer } = (await file?.read(Buffer.alloc(200), 0, 200, 0)) ?? {}
    const [first = ''] = buffer?.toString('latin1', 0, bytesRead).split('\n') ?? []
    if (!first.startsWith('#!')) return undefined
    const words = first.slice(2).trim().split(/\s+/)
    const names = words.filter((word) => !word.startsWith('-')).map((word) => basename(word))
    return names[0] === 'env' ? names[1] : names[0]
  } catch {
    return undefined
  } finally {
    await file?.close()
  }
}

/** The major version that the nearest package asks for, as in `>=20`. */
async function enginesOf(program: string, interpreter: string): Promise<number | undefined> {
  const path = await realpath(program).catch(() => program)
  for (let folder = dirname(path), depth = 0; depth < 4; folder = dirname(folder), depth += 1) {
    const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => undefined)
    if (text === undefined) continue
    try {
      const { engines } = JSON.parse(text) as { engines?: Record<string, unknown> }
      const major = /(?:>=|\^|~)?\s*v?(\d+)/.exec(String(engines?.[interpreter] ?? ''))?.[1]
      return major === undefined ? undefined : Number(major)
    } catch {
      return undefined
    }
  }
  return undefined
}

async function versionOf(program: string, env: Env): Promise<string> {
  const child = Bun.spawn({
    cmd: [program, '--version'],
    env: { ...env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'ignore',
    timeout: PATIENCE_MS,
    killSignal: 'SIGKILL',
  })
  try {
    return await collectText(child.stdout, MOST_BYTES)
  } catch {
    return ''
  } finally {
    child.kill('SIGKILL')
  }
}
