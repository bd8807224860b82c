import { readFile } from 'node:fs/promises'
import { configError, type Problem } from './problems.ts'

/**
 * Reads a file of variables, `NAME=value` a line, as systemd does of its `EnvironmentFile=`: lines that begin with # or
 * ; are comments, and a value may be in quotes.
 *
 * @throws `config_invalid`, with the line and never its value. A file that cannot be read is one, too: the keys that
 * were to close the server may be in it.
 */
export async function readEnvFile(path: string): Promise<Record<string, string>> {
  const text = await readFile(path, 'utf8').catch((error: Error) => {
    throw configError([
      { place: { name: '--env-file' }, message: `the file cannot be read: ${error.message}` },
    ])
  })
  const variables: Record<string, string> = {}
  const problems: Problem[] = []
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(?:[#;]|$)/.test(line)) continue
    const [, name, value] = line.match(/^\s*([A-Za-z_]\w*)=(.*)$/) ?? []
    const plain = value === undefined ? undefined : unquoted(value.trim())
    if (name === undefined || plain === undefined)
      problems.push({ message: `${path}:${index + 1}: expected NAME=value, or NAME="value"` })
    else variables[name] = plain
  }
  if (problems.length > 0) throw configError(problems)
  return variables
}

/** Undefined where a quote is not closed. */
function unquoted(value: string): string | undefined {
  const [quote] = value
  if (quote !== '"' && quote !== "'") return value
  if (value.length < 2 || !value.endsWith(quote)) return undefined
  const inside = value.slice(1, -1)
  return quote === '"' ? inside.replace(/\\(.)/g, '$1') : inside
}
