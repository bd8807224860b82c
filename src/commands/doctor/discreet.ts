import type { Check } from './report.ts'

/** Names of variables whose values nobody else may see. */
const SECRET_NAME = /KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|AUTH(?!OR)/i
/** What is shorter is a switch or a word, and would be struck out of plain sentences; so would the path of a file. */
const SHORTEST = 6
const LONGEST_LINE = 500

/** The values of the environment that look like secrets. */
export function secretsOf(env: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(env).flatMap(([name, value]) => (SECRET_NAME.test(name) && value ? [value] : []))
}

/**
 * Makes checks fit to be pasted into a bug report: agents are quoted in them, and an agent may print a key it was given,
 * or anything at all. Each text is one line, without control characters, and no secret is in it.
 */
export function discreet(checks: readonly Check[], secrets: readonly string[]): Check[] {
  // The longer ones first: a key may be the beginning of another one.
  const known = [...new Set(secrets)].filter((secret) => secret.length >= SHORTEST && !secret.startsWith('/'))
  known.sort((a, b) => b.length - a.length)
  const clean = (text: string) => {
    const hidden = known.reduce((rest, secret) => rest.replaceAll(secret, '***'), text)
    const line = oneLine(hidden)
    return line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}…` : line
  }
  return checks.map(({ message, todo, facts, ...check }) => ({
    ...check,
    message: clean(message),
    ...(todo === undefined ? {} : { todo: clean(todo) }),
    ...(facts === undefined
      ? {}
      : {
          facts: Object.fromEntries(
            Object.entries(facts).map(([name, value]) => [
              name,
              typeof value === 'string' ? clean(value) : value,
            ]),
          ),
        }),
  }))
}

/** Without escapes of a terminal, other control characters and line ends. */
function oneLine(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what has to go.
      .replace(/\u001b\[[0-9;?]*[ -/]*[@-~]/g, '')
      .replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
      .trim()
  )
}
