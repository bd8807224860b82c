/** Whose words an address speaks: our own, or those of an API that clients were made for. */
export type Dialect = 'clinvk' | 'openai' | 'anthropic'

/** The dialect of a request; whatever goes wrong with it is told in that. */
export function dialectOf({ url }: Request): Dialect {
  const [, first] = URL.canParse(url) ? new URL(url).pathname.split('/') : []
  return first === 'openai' || first === 'anthropic' ? first : 'clinvk'
}
