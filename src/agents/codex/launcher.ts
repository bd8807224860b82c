import { constants } from 'node:fs'
import { access, readdir, readFile, realpath } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { findProgram } from '../../process/child.ts'
import { fields, word } from '../fields.ts'

/**
 * The command that runs Codex without its launcher. npm's `codex` is a Node script that only starts the native
 * program of a package beside it, which costs about 100 ms and a Node. Where the script is recognised and its
 * program is there in the same version, that is taken; anything else is run as it was given.
 */
export async function nativeCommand(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const [program = '', ...args] = command
  const found = findProgram(program, env)
  if (found === undefined) return command
  try {
    const script = await realpath(found)
    if (!script.endsWith(LAUNCHER)) return command
    const native = await findNative(dirname(dirname(script)))
    return native === undefined ? command : [native, ...args]
  } catch {
    return command
  }
}

const LAUNCHER = ['', '@openai', 'codex', 'bin', 'codex.js'].join(sep)
const EXECUTABLE = process.platform === 'win32' ? 'codex.exe' : 'codex'

/** Looks where package managers put an optional dependency: beside the package, or inside it. */
async function findNative(root: string): Promise<string | undefined> {
  const name = `codex-${process.platform}-${process.arch}`
  const version = await versionOf(root)
  for (const home of [join(dirname(root), name), join(root, 'node_modules', '@openai', name)]) {
    if (version === undefined || !(await versionOf(home))?.startsWith(version)) continue
    const vendor = join(home, 'vendor')
    for (const target of await readdir(vendor)) {
      // Older layouts needed a PATH that the launcher sets; those that describe themselves do not.
      const described = await isThere(join(vendor, target, 'codex-package.json'), constants.R_OK)
      const executable = join(vendor, target, 'bin', EXECUTABLE)
      if (described && (await isThere(executable, constants.X_OK))) return executable
    }
  }
  return undefined
}

async function versionOf(folder: string): Promise<string | undefined> {
  const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => '{}')
  return word(fields(JSON.parse(text))['version'])
}

async function isThere(path: string, mode: number): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  )
}
