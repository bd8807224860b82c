import { describe, expect, test } from 'bun:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import committed from '../../docs/openapi.json'
import { version } from '../../package.json'
import { testApp } from './support.ts'

describe('GET /openapi.json', () => {
  test('is what is committed in docs/openapi.json; `bun run openapi` writes it', async () => {
    const response = await testApp({ version }).request('/openapi.json')
    expect(response.headers.get('content-type')).toStartWith('application/json')
    expect(await response.json()).toEqual(committed)
  })

  test('is valid OpenAPI 3.1', async () => {
    const document = await live()
    expect(document).toMatchObject({ openapi: '3.1.0' })
    expect(await new Validator().validate(structuredClone(document) as never)).toEqual({ valid: true })
  })

  test('describes every field of every schema', async () => {
    const bare: string[] = []
    const walk = (node: unknown, path: string) => {
      if (node === null || typeof node !== 'object') return
      for (const [key, value] of Object.entries(node)) {
        if (key === 'properties')
          for (const [name, field] of Object.entries(value as Record<string, object>))
            if (!('description' in field) && !('$ref' in field)) bare.push(`${path}.${name}`)
        walk(value, `${path}/${key}`)
      }
    }
    walk(await live(), '')
    expect(bare).toEqual([])
  })

  test('names no schema that it does not have', async () => {
    const text = JSON.stringify(await live())
    const { components } = JSON.parse(text) as { components: { schemas: Record<string, unknown> } }
    const named = [...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name)
    expect(new Set(named)).toEqual(new Set(Object.keys(components.schemas)))
    expect(text).not.toContain('"$id"')
  })

  test('describes every route that is not about the description itself, each API at one of its addresses', async () => {
    const { app } = testApp()
    const paths = app.routes
      .map(({ path }) => path.replace(/:(\w+)/g, '{$1}'))
      .filter((path) => !path.startsWith('/docs') && path !== '/' && !/\/(\*|api\/hello|compact)$/.test(path))
      .filter((path) => !/^\/(openai|anthropic)(\/v1)*$/.test(path))
      .map((path) => path.replace(/^\/(openai|anthropic)(\/v1)*\//, '/$1/v1/'))
    const { paths: described } = (await live()) as { paths: object }
    expect(new Set(paths)).toEqual(new Set([...Object.keys(described), '/openapi.json']))
  })
})

describe('GET /docs', () => {
  test('loads nothing from elsewhere, and all that it loads is there', async () => {
    const { request } = testApp()
    const response = await request('/docs')
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
    const html = await response.text()
    expect(html).not.toMatch(/https?:|\/\/|<script>|<style/)
    const loaded = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => url ?? '')
    expect(loaded).toHaveLength(4)
    for (const url of loaded) {
      const asset = await request(url)
      expect([url, asset.status]).toEqual([url, 200])
      expect((await asset.arrayBuffer()).byteLength).toBeGreaterThan(0)
    }
    const policy = response.headers.get('content-security-policy')
    expect(policy).toStartWith("default-src 'none'; script-src 'self';")
    expect(policy).not.toMatch(/https?:|\*/)
  })

  test('has the viewer read our document, and asks nobody to judge it', async () => {
    const start = await (await testApp().request('/docs/assets/start.js')).text()
    expect(start).toContain("url: '/openapi.json'")
    expect(start).toContain('validatorUrl: null')
  })

  test('sends files with their types', async () => {
    const { request } = testApp()
    const type = async (name: string) => (await request(`/docs/assets/${name}`)).headers.get('content-type')
    expect(await type('swagger-ui.css')).toBe('text/css; charset=utf-8')
    expect(await type('swagger-ui-bundle.js')).toBe('text/javascript; charset=utf-8')
    expect(await type('favicon.png')).toBe('image/png')
  })

  for (const name of ['none.js', '..%2Fpackage.json', '__proto__'])
    test(`has no file ${name}`, async () => {
      const response = await testApp().request(`/docs/assets/${name}`)
      expect(response.status).toBe(404)
      expect(response.headers.get('content-type')).toBe('application/problem+json')
    })
})

async function live(): Promise<unknown> {
  return (await testApp({ version }).request('/openapi.json')).json()
}
