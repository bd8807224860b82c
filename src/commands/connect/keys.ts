import { KEY_VARIABLE, NO_KEY, type Target } from './types.ts'

/** The value of a key in a line of the shell. */
export function shellKey({ needsKey }: Target): string {
  return needsKey ? `"$${KEY_VARIABLE}"` : NO_KEY
}

/** The value of a key in a tool's file, by the tool's own way to name a variable. */
export function fileKey({ needsKey }: Target, variable: (name: string) => string): string {
  return needsKey ? variable(KEY_VARIABLE) : NO_KEY
}

/** An expression of JavaScript. */
export function scriptKey({ needsKey }: Target): string {
  return needsKey ? `process.env.${KEY_VARIABLE}` : `'${NO_KEY}'`
}

/** An expression of Python. */
export function pythonKey({ needsKey }: Target): string {
  return needsKey ? `os.environ["${KEY_VARIABLE}"]` : `"${NO_KEY}"`
}

/** Text between single quotes, as the shell and JavaScript have it; models have names that need it (`claude/opus[1m]`). */
export function shellText(text: string): string {
  return /^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

/** A string of JavaScript in the quotes that people write. */
export function scriptText(text: string): string {
  return `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
}

/** What a string of JSON, TOML, YAML and Python looks like alike. */
export function quoted(text: string): string {
  // TOML takes no DEL as it is, and the others take any escape.
  return JSON.stringify(text).replaceAll('\x7f', '\\u007f')
}
