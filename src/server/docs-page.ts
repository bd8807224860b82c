import { join } from 'node:path'
import icon from 'swagger-ui-dist/favicon-32x32.png' with { type: 'file' }
import style from 'swagger-ui-dist/swagger-ui.css' with { type: 'file' }
import script from 'swagger-ui-dist/swagger-ui-bundle.js' with { type: 'file' }

/** The page at `/docs`. */
export const DOCS_PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>clinvk API</title>
    <link rel="icon" href="/docs/assets/favicon.png">
    <link rel="stylesheet" href="/docs/assets/swagger-ui.css">
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="/docs/assets/swagger-ui-bundle.js"></script>
    <script src="/docs/assets/start.js"></script>
  </body>
</html>
`

// The viewer would otherwise ask a server of its makers to judge the document.
const START = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#swagger-ui', validatorUrl: null })
`

/** The files that the page loads, by name. They are part of a compiled program. */
export const DOCS_ASSETS: ReadonlyMap<string, () => Response> = new Map([
  ['favicon.png', () => file(icon, 'image/png')],
  ['swagger-ui.css', () => file(style, 'text/css; charset=utf-8')],
  ['swagger-ui-bundle.js', () => file(script, JAVASCRIPT)],
  ['start.js', () => new Response(START, { headers: { 'content-type': JAVASCRIPT } })],
])

const JAVASCRIPT = 'text/javascript; charset=utf-8'

function file(path: string, type: string): Response {
  // In a bundle it is named as it lies beside us; from source and compiled its name is whole.
  const place = path.startsWith('./') ? join(import.meta.dir, path) : path
  return new Response(Bun.file(place), { headers: { 'content-type': type } })
}
