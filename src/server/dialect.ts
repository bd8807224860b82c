/** Whose words an address speaks: our own, or those of an API that clients were made for. */
export type Dialect = 'clinvk' | 'openai' | 'anthropic'

/** The dialect of a request; whatever goes wrong with it is told in that. */
export function dialectOf({ url }: Request): Dialect {
  // People write one slash too many when they put addresses together.
  const [first] = URL.canParse(url) ? new URL(url).pathname.split('/').filter((part) => part !== '') : []
  return first === 'openai' || first === 'anthropic' ? first : 'clinvk'
}
