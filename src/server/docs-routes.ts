import { Elysia } from 'elysia'
import { ClinvkError } from '../errors.ts'
import { type DescribedRoute, type OpenApiDocument, openApiDocument } from './docs.ts'
import { DOCS_ASSETS, DOCS_PAGE } from './docs-page.ts'

/** The description of the API, and a page to read it. Nothing of the page comes from elsewhere. */
export function docsRoutes(routes: () => readonly DescribedRoute[], version: string) {
  let document: Promise<OpenApiDocument> | undefined
  return new Elysia({ name: 'clinvk.docs' })
    .get(
      '/openapi.json',
      () => {
        document ??= openApiDocument({ routes: routes() }, version)
        return document
      },
      { detail: { hide: true } },
    )
    .get(
      '/docs',
      () =>
        new Response(DOCS_PAGE, {
          headers: { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': POLICY },
        }),
      { detail: { hide: true } },
    )
    .get(
      '/docs/assets/:name',
      ({ params: { name } }) => {
        const asset = DOCS_ASSETS.get(name)
        if (asset === undefined) throw new ClinvkError('route_not_found', 'The page has no such file.')
        return asset()
      },
      { detail: { hide: true } },
    )
}

// The viewer sets styles in its markup and draws its icons from data: URLs.
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
