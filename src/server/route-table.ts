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
  /** The route that a path leads to, as it is declared; undefined for none. Of two, the one that leaves less open. */
  patternOf(pathname: string): string | undefined
}

export function createRouteTable(): RouteTable {
  let source: () => readonly RouteEntry[] = () => []
  let known: readonly (RouteEntry & { readonly pattern: RegExp })[] | undefined
  const matching = (pathname: string) => {
    known ??= source().map((route) => ({ ...route, pattern: toPattern(route.path) }))
    return known.filter(({ pattern }) => pattern.test(pathname))
  }
  return {
    learn(routes) {
      source = routes
      known = undefined
    },
    methodsOf(pathname) {
      const methods = new Set<string>()
      for (const { method } of matching(pathname)) {
        methods.add(method)
        if (method === 'GET') methods.add('HEAD')
      }
      return [...methods].sort()
    },
    patternOf(pathname) {
      const paths = matching(pathname).map(({ path }) => path)
      return paths.sort((a, b) => openness(a) - openness(b))[0]
    },
  }
}

function openness(path: string): number {
  return path.split('/').filter((segment) => segment === '*' || segment.startsWith(':')).length
}

/** `/a/:id/*` with an optional slash at the end, as the framework matches it. */
function toPattern(path: string): RegExp {
  const segments = path.split('/').map((segment) => {
    if (segment === '*') return '.*'
    return segment.startsWith(':') ? '[^/]+' : segment.replace(/[.+?^${}()|[\]\\]/g, '\\$&')
  })
  return new RegExp(`^${segments.join('/').replace(/\/$/, '')}/?$`)
}
