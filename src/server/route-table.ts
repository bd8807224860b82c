/** A route as the framework lists it. */
interface RouteEntry {
  readonly method: string
  readonly path: string
}

/**
 * Which methods a path answers to. The framework itself only says that method and path together match nothing,
 * which would make a wrong method a 404.
 */
export interface RouteTable {
  /** Names the source of the routes; it is read at the first question. */
  learn(routes: () => readonly RouteEntry[]): void
  /** Methods of a path, HEAD included where GET is; empty for a path that leads nowhere. */
  methodsOf(pathname: string): readonly string[]
}

export function createRouteTable(): RouteTable {
  let source: () => readonly RouteEntry[] = () => []
  let patterns: { readonly method: string; readonly pattern: RegExp }[] | undefined
  return {
    learn(routes) {
      source = routes
      patterns = undefined
    },
    methodsOf(pathname) {
      patterns ??= source().map(({ method, path }) => ({ method, pattern: toPattern(path) }))
      const methods = new Set<string>()
      for (const { method, pattern } of patterns) {
        if (!pattern.test(pathname)) continue
        methods.add(method)
        if (method === 'GET') methods.add('HEAD')
      }
      return [...methods].sort()
    },
  }
}

/** `/a/:id/*` with an optional slash at the end, as the framework matches it. */
function toPattern(path: string): RegExp {
  const segments = path.split('/').map((segment) => {
    if (segment === '*') return '.*'
    return segment.startsWith(':') ? '[^/]+' : segment.replace(/[.+?^${}()|[\]\\]/g, '\\$&')
  })
  return new RegExp(`^${segments.join('/').replace(/\/$/, '')}/?$`)
}
