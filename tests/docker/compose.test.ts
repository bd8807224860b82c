/** What compose.yaml promises; docker itself is tried by check.ts. */
import { expect, test } from 'bun:test'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'

const ROOT = join(import.meta.dir, '../..')
const text = await readFile(join(ROOT, 'compose.yaml'), 'utf8')
const { services, volumes } = parse(text)

test('starts nothing without keys, and .env.example names every variable', async () => {
  expect(services.clinvk.environment.CLINVK_API_KEYS).toStartWith('${CLINVK_API_KEY:?')
  expect(services['open-webui'].environment.OPENAI_API_KEY).toStartWith('${CLINVK_API_KEY:?')
  const example = await readFile(join(ROOT, '.env.example'), 'utf8')
  const used = [...text.matchAll(/\$\{(\w+)(:[?-])?/g)]
  expect(used.length).toBeGreaterThan(0)
  for (const [, name, form] of used)
    expect(example).toMatch(new RegExp(`^${form === ':?' ? '' : '#'}${name}=`, 'm'))
  // A key that stands in the example is a key that everybody knows.
  expect(example).not.toMatch(/^[A-Z_]+=./m)
})

test('publishes to this machine alone, and leads Open WebUI to the server by its own name', () => {
  for (const { ports } of Object.values<{ ports: string[] }>(services))
    for (const port of ports) expect(port).toStartWith('127.0.0.1:')
  const { hostname } = services.clinvk
  expect(services['open-webui'].environment.OPENAI_API_BASE_URL).toBe(`http://${hostname}:8080/openai/v1`)
  expect(services['open-webui'].depends_on).toEqual({ clinvk: { condition: 'service_healthy' } })
})

test('keeps logins in a volume, and what runs can gain nothing', () => {
  expect(services.clinvk.volumes).toContain('home:/home/clinvk')
  expect(Object.keys(volumes)).toContain('home')
  expect(services.clinvk).toMatchObject({
    read_only: true,
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
  })
})
