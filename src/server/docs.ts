import { swagger } from '@elysiajs/swagger'
import { Elysia } from 'elysia'

/** A route as the framework keeps it, with what its description is made from. */
export interface DescribedRoute {
  readonly method: string
  readonly path: string
  readonly hooks: { readonly body?: unknown; readonly detail?: Readonly<Record<string, unknown>> }
}

/** An OpenAPI 3.1 document. */
export interface OpenApiDocument {
  readonly openapi: string
  readonly paths: Readonly<Record<string, unknown>>
  readonly [member: string]: unknown
}

/**
 * The description of an app's routes. The plugin that writes it comes with pages of its own that load scripts
 * from elsewhere, so it is given the routes in an app that nobody can reach.
 */
export async function openApiDocument(
  app: { readonly routes: readonly DescribedRoute[] },
  version: string,
): Promise<OpenApiDocument> {
  const shadow = new Elysia()
  for (const { method, path, hooks } of app.routes) {
    if (hooks.detail === undefined || hooks.detail['hide'] === true) continue
    const body = hooks.body === undefined ? {} : { body: hooks.body as never, parse: 'json' as const }
    shadow.route(method, path, () => '', { ...body, detail: hooks.detail })
  }
  shadow.use(swagger({ specPath: SPEC_PATH, excludeStaticFile: false, documentation: about(version) }))
  const response = await shadow.handle(new Request(`http://localhost${SPEC_PATH}`))
  return withComponents((await response.json()) as OpenApiDocument)
}

const SPEC_PATH = '/spec'

function about(version: string) {
  return {
    // The plugin's own 3.0.3 would be untrue: what it writes is JSON Schema 2020-12.
    openapi: '3.1.0',
    info: {
      title: 'clinvk',
      version,
      description: 'Coding agents that are installed on this machine, over HTTP.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/', description: 'This server.' }],
    tags: [
      { name: 'Prompts', description: 'Running prompts on agents.' },
      {
        name: 'OpenAI',
        description: 'For clients of OpenAI. The same is found under /openai and /openai/v1/v1.',
      },
      {
        name: 'Anthropic',
        description: 'For clients of Anthropic. The same is found under /anthropic and /anthropic/v1/v1.',
      },
      {
        name: 'Anthropic',
        description: 'For clients of Anthropic. The same is found under /anthropic and /anthropic/v1/v1.',
      },
      { name: 'Server', description: 'What the server is and has.' },
    ],
    // With the empty one: a server may have no keys.
    security: [{}, { apiKey: [] }, { bearer: [] }],
    components: {
      securitySchemes: {
        apiKey: {
          type: 'apiKey' as const,
          in: 'header',
          name: 'X-Api-Key',
          description: 'A key of CLINVK_API_KEYS.',
        },
        bearer: { type: 'http' as const, scheme: 'bearer', description: 'A key of CLINVK_API_KEYS.' },
      },
    },
  }
}

/** Moves every schema that has a name to the components, and says words of a few as `enum`. */
function withComponents(document: OpenApiDocument): OpenApiDocument {
  const schemas: Record<string, unknown> = {}
  const walk = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(walk)
    if (node === null || typeof node !== 'object') return node
    const { $id, anyOf, ...rest } = Object.fromEntries(
      Object.entries(node).map(([key, value]) => [key, walk(value)]),
    )
    const words = Array.isArray(anyOf) ? wordsOf(anyOf) : undefined
    const schema =
      words !== undefined
        ? { type: 'string', enum: words, ...rest }
        : anyOf === undefined
          ? rest
          : { ...rest, anyOf }
    if (typeof $id !== 'string') return schema
    schemas[$id] = schema
    return { $ref: `#/components/schemas/${$id}` }
  }
  const { components, ...rest } = walk(document) as Record<string, unknown> & OpenApiDocument
  const sorted = Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1)))
  return { ...rest, components: { ...(components as object), schemas: sorted } }
}

function wordsOf(members: readonly unknown[]): string[] | undefined {
  const words = members.map((member) => (member as { const?: unknown }).const)
  return words.every((word) => typeof word === 'string') ? words : undefined
}
