/** A new id of ours; its beginning says of what. */
export function newId(kind: 'run' | 'ses'): string {
  return `${kind}_${crypto.randomUUID().replaceAll('-', '')}`
}
