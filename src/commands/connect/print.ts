import { TOOLS, triedSentence } from './tools.ts'
import { type Connection, KEY_VARIABLE } from './types.ts'

/** The list of tools. */
export function toolLines(): string {
  const width = Math.max(...TOOLS.map(({ name }) => name.length))
  const lines = TOOLS.map(({ name, title, triedWith }) =>
    `  ${name.padEnd(width)}  ${title}${triedWith === undefined ? ' (not tried)' : ''}`.trimEnd(),
  )
  return ['clinvk connect TOOL prints the settings of:', '', ...lines].join('\n')
}

/** The settings for people: each piece as it is to be pasted, and around it comments: where it goes, how to check it. */
export function connectionText(connection: Connection): string {
  const { title, model, url, needs_key: needsKey, pieces, check, notes } = connection
  const head = `${title} with ${model} of the clinvk on ${url}`
  const key = needsKey ? [`A key is needed: export ${KEY_VARIABLE}=… with one of the server's.`] : []
  const parts = pieces.map(
    ({ where, file, text }) => `# ${file === undefined ? where : `${file}: ${where}`}\n${text}`,
  )
  const tail = [`Check: ${check}`, ...notes.map((note) => `Note: ${note}`), triedSentence(connection)]
  return [comment([head, ...key]), ...parts, comment(tail)].join('\n\n').replaceAll('\n\n\n', '\n\n')
}

/** A shell reads over it, so all that is printed may be pasted there; a name that holds a line break does not end it. */
function comment(lines: readonly string[]): string {
  return lines.map((line) => `# ${line.replaceAll(/\p{Cc}+/gu, ' ')}`).join('\n')
}
