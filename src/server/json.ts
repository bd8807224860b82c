import { ClinvkError } from '../errors.ts'

/**
 * Reads bytes as JSON.
 *
 * @throws `invalid_json`, with the line and column where it is broken, or where it nests deeper than what looks at it
 * later can follow.
 */
export function parseJson(bytes: Uint8Array): unknown {
  if (bytes.byteLength === 0)
    throw new ClinvkError('invalid_json', 'The body is empty; a JSON object is expected.')
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new ClinvkError('invalid_json', 'The body is not valid UTF-8.')
  }
  try {
    const value: unknown = JSON.parse(text)
    if (nestsDeeper(text, MOST_LEVELS))
      throw new ClinvkError('invalid_json', `The body is nested deeper than ${MOST_LEVELS} levels.`)
    return value
  } catch (error) {
    if (error instanceof ClinvkError) throw error
    if (!(error instanceof SyntaxError))
      throw new ClinvkError('invalid_json', 'The body is nested too deeply.')
    const { line, column, reason } = locate(text)
    throw new ClinvkError('invalid_json', `Line ${line}, column ${column}: ${reason}.`, {
      details: { line, column },
    })
  }
}

/** Of a body as a whole. A schema has a limit of its own. */
const MOST_LEVELS = 200

/** Of text that is known to be JSON. */
function nestsDeeper(text: string, most: number): boolean {
  let depth = 0
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]
    if (character === '"') at = endOfString(text, at)
    else if (character === '{' || character === '[') {
      depth += 1
      if (depth > most) return true
    } else if (character === '}' || character === ']') depth -= 1
  }
  return false
}

function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); ; end = text.indexOf('"', end + 1)) {
    let before = end
    while (text[before - 1] === '\\') before -= 1
    // An even number of backslashes are characters of the string, and none is for the quote.
    if ((end - before) % 2 === 0) return end
  }
}

const SPACE = /[ \t\r\n]*/y
const TOKEN =
  /[{}[\],:]|"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y
type Expected = 'a value' | 'a value or ]' | 'a key or }' | 'a key' | ':' | ', or ]' | ', or }' | 'the end'

/** Where a text that the runtime refused stops being JSON; its own parser does not say. */
function locate(text: string): { line: number; column: number; reason: string } {
  const open: ('{' | '[')[] = []
  let expected: Expected = 'a value'
  let at = 0
  while (true) {
    SPACE.lastIndex = at
    SPACE.test(text)
    at = SPACE.lastIndex
    TOKEN.lastIndex = at
    const token = TOKEN.exec(text)?.[0]
    const next: Expected | undefined = token === undefined ? undefined : accept(token, expected, open)
    if (token === undefined || next === undefined) break
    expected = next
    at += token.length
  }
  const lines = text.slice(0, at).split(/\r\n|\r|\n/)
  const found = at >= text.length ? 'the text ends' : `found ${describe(text.slice(at))}`
  return {
    line: lines.length,
    column: (lines.at(-1)?.length ?? 0) + 1,
    reason: `${found} where ${expected} was expected`,
  }
}

/** What may follow a token; undefined where the token itself may not stand. */
function accept(token: string, expected: Expected, open: ('{' | '[')[]): Expected | undefined {
  const afterValue = (): Expected => {
    const inside = open.at(-1)
    return inside === undefined ? 'the end' : inside === '{' ? ', or }' : ', or ]'
  }
  if (token === '}' || token === ']') {
    const closes = token === '}' ? ['a key or }', ', or }'] : ['a value or ]', ', or ]']
    if (!closes.includes(expected)) return undefined
    open.pop()
    return afterValue()
  }
  if (token === ':') return expected === ':' ? 'a value' : undefined
  if (token === ',') return expected === ', or }' ? 'a key' : expected === ', or ]' ? 'a value' : undefined
  if (expected === 'a key' || expected === 'a key or }') return token.startsWith('"') ? ':' : undefined
  if (expected !== 'a value' && expected !== 'a value or ]') return undefined
  if (token !== '{' && token !== '[') return afterValue()
  open.push(token)
  return token === '{' ? 'a key or }' : 'a value or ]'
}

function describe(rest: string): string {
  const [character = ''] = rest
  if (character === '"') return 'a text that is not closed, or holds a character that must be escaped'
  const word = rest.match(/^[\w.+-]{1,20}/)?.[0] ?? character
  return JSON.stringify(word)
}
