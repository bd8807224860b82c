import { existsSync } from 'node:fs'
import type { Check } from './report.ts'

/** Names of variables whose values nobody else may see. */
const SECRET_NAME = /KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|AUTH(?!OR)/i
/** What is shorter is a switch or a word, and would be struck out of plain sentences. */
const SHORTEST = 6
const LONGEST_LINE = 500

/** The values of the environment that look like secrets. */
export function secretsOf(env: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(env).flatMap(([name, value]) => (SECRET_NAME.test(name) && value ? [value] : []))
}

/** Makes a text of whatever length one line, without control characters, and without any secret. */
export type Cleaner = (text: string) => string

/**
 * A text must not be shortened before it is cleaned: of half a secret nobody knows that it is one. Half of one is known
 * where it ends the text.
 */
export function createCleaner(secrets: readonly string[]): Cleaner {
  // In the form in which they are then in the text.
  const known = [...new Set(secrets.map(oneLine))].filter(
    (secret) => secret.length >= SHORTEST && !isPath(secret),
  )
  // The longer ones first: a key may be the beginning of another one.
  known.sort((a, b) => b.length - a.length)
  return (text) => {
    const whole = known.reduce((rest, secret) => rest.replaceAll(secret, '***'), oneLine(text))
    const begun = Math.max(0, ...known.map((secret) => beginningAtEnd(whole, secret)))
    return begun === 0 ? whole : `${whole.slice(0, -begun)}***`
  }
}

/** How much of a secret's beginning a text ends with. */
function beginningAtEnd(text: string, secret: string): number {
  for (let length = secret.length - 1; length >= SHORTEST; length -= 1)
    if (text.endsWith(secret.slice(0, length))) return length
  return 0
}

/** The path of a file with a secret is none. Keys in base64 may begin like one, but nothing is there. */
function isPath(value: string): boolean {
  return value.startsWith('/') && existsSync(value)
}

/**
 * Makes checks fit to be pasted into a bug report: agents are quoted in them, and an agent may print a key it was given,
 * or anything at all.
 */
export function discreet(checks: readonly Check[], cleaner: Cleaner): Check[] {
  const clean = (text: string) => {
    const line = cleaner(text)
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
    Bun.stripANSI(text)
      // Without a trace, so that what they are in the middle of is whole again.
      .replace(/(?!\s)[\p{Cc}\p{Cf}]/gu, '')
      .replace(/\s+/g, ' ')
      .trim()
  )
}
