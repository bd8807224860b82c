import { ClinvkError } from '../errors.ts'

/**
 * How values are written in a unit file, where `%` begins a specifier, `$` a variable, and quotes, spaces and backslashes
 * mean what they mean to a shell, more or less (systemd.syntax(7), systemd.service(5), "Command lines").
 */

/** A command line. Its program is not just another word: variables are not replaced in it, and quotes are refused. */
export function commandLine([program = '', ...args]: readonly string[]): string {
  if (/["'\\]/.test(program)) return commandLine(['/bin/sh', '-c', 'exec "$0" "$@"', program, ...args])
  return [quoted(program), ...args.map(argumentWord)].join(' ')
}

function argumentWord(text: string): string {
  return quoted(text).replaceAll('$', '$$$$')
}

/** One `NAME=value` of `Environment=`, where a `$` means nothing. */
export function assignmentWord(name: string, value: string): string {
  return quoted(`${name}=${value}`)
}

/** The path of `EnvironmentFile=`, which takes everything to the end of the line, and for a pattern of file names. */
export function filePattern(path: string): string {
  return oneLine(path)
    .replaceAll('%', '%%')
    .replace(/[\\*?[\]]/g, '\\$&')
}

function quoted(text: string): string {
  const escaped = oneLine(text).replaceAll('%', '%%').replace(/["\\]/g, '\\$&')
  return /^[\w@:,.+/=-]+$/.test(text) ? escaped : `"${escaped}"`
}

/** No path or name of a sane machine has a control character, and none could be written everywhere. */
export function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  if (/[\x00-\x1f\x7f]/.test(text))
    throw new ClinvkError(
      'invalid_request',
      `${JSON.stringify(text)} holds a control character, which the description of a service cannot.`,
    )
  return text
}
