import { isAbsolute } from 'node:path'
import { findProgram } from '../../process/child.ts'

/** The files of a command that change when its program is installed anew: also what an interpreter is given to run. */
export function programFiles(
  [program = '', script = '']: readonly string[],
  env: Readonly<Record<string, string>>,
): string[] {
  return [findProgram(program, env) ?? program, ...(isAbsolute(script) ? [script] : [])]
}
