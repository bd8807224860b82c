/** A reader of unit files by the words of systemd.syntax(7) and systemd.service(5), which knows nothing of ours. */

/** The values of each key, as they are written, by section. */
export function readUnit(text: string): Record<string, Record<string, string[]>> {
  const sections: Record<string, Record<string, string[]>> = {}
  let section: Record<string, string[]> | undefined
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue
    if (line.endsWith('\\')) throw new Error(`The line goes on in the next one: ${line}`)
    const [, name] = line.match(/^\[(.+)\]$/) ?? []
    if (name !== undefined) {
      section = sections[name] ??= {}
      continue
    }
    const [, key, value] = line.match(/^([A-Za-z]+)=(.*)$/) ?? []
    if (key === undefined || value === undefined || !section) throw new Error(`No assignment: ${line}`)
    section[key] = [...(section[key] ?? []), value]
  }
  return sections
}

/** The program and arguments of a command line. */
export function readCommand(value: string): string[] {
  return splitWords(value).map((word, index) => {
    const text = specifiers(word)
    if (index === 0 && /["'\\]/.test(text))
      throw new Error(`Executable name contains special characters: ${text}`)
    // Variables are replaced in all words but the program.
    return index === 0
      ? text
      : text.replaceAll(/\$(\$|.|$)/g, (_, next: string) => {
          if (next !== '$') throw new Error(`A variable would be replaced: ${text}`)
          return '$'
        })
  })
}

/** The assignments of `Environment=`. */
export function readAssignments(value: string): string[] {
  return splitWords(value).map(specifiers)
}

/** What is read of the pattern of `EnvironmentFile=`, which must match one name only. */
export function readPattern(value: string): string {
  return specifiers(value).replaceAll(/\\(.)|[*?[]/g, (found, literal?: string) => {
    if (literal === undefined) throw new Error(`It matches other names, too: ${found}`)
    return literal
  })
}

function specifiers(text: string): string {
  return text.replaceAll(/%(.|$)/g, (found, next: string) => {
    if (next !== '%') throw new Error(`A specifier: ${found}`)
    return '%'
  })
}

function splitWords(value: string): string[] {
  const words: string[] = []
  let word: string | undefined
  let quote: string | undefined
  for (let at = 0; at < value.length; at += 1) {
    const character = value[at] as string
    if (character === '\\') {
      at += 1
      const next = value[at]
      if (next === undefined || !'"\'\\'.includes(next)) throw new Error(`An escape: \\${next}`)
      word = (word ?? '') + next
    } else if (quote !== undefined) {
      if (character === quote) quote = undefined
      else word = (word ?? '') + character
    } else if ((character === '"' || character === "'") && word === undefined) {
      quote = character
      word = ''
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else word = (word ?? '') + character
  }
  if (quote !== undefined) throw new Error('A quote is not closed.')
  return word === undefined ? words : [...words, word]
}
