/** The kinds of ids, as OpenAI begins them. */
type IdKind = 'resp' | 'msg' | 'rs' | 'fc' | 'ctc' | 'tsc' | 'item'

/** An id that nobody can guess. */
export function newId(kind: IdKind): string {
  return `${kind}_${crypto.randomUUID().replaceAll('-', '')}`
}
