/**
 * The end of a text, from the beginning of a line or at least of a word: half a secret at its beginning would be known for
 * one by nobody.
 */
export function tailOf(text: string, most: number): string {
  return text.length > most ? fromWhole(text.slice(-most)) : text
}

/** What begins with half a word, without it. */
export function fromWhole(text: string): string {
  const line = text.trimEnd().indexOf('\n')
  return line === -1 ? text.replace(/^\S*\s*/, '') : text.slice(line + 1)
}
