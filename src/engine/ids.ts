/** A new id that nobody can guess; its beginning says of what, as in `run_…`. */
export function newId(kind: string): string {
  return `${kind}_${crypto.randomUUID().replaceAll('-', '')}`
}
