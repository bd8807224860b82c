import { describe, expect, test } from 'bun:test'
import { Value } from '@sinclair/typebox/value'
import type { BackendInfo } from '../../src/engine/types.ts'
import { BackendsResponse } from '../../src/server/meta/schema.ts'
import { toBackendsResponse, toHealthResponse } from '../../src/server/meta/to-response.ts'
import { backend, fakeEngine, testApp } from './support.ts'

describe('GET /api/v1/backends', () => {
  test('lists what is known of every backend', async () => {
    const response = await testApp().request('/api/v1/backends')
    const body = (await response.json()) as BackendsResponse
    expect([...Value.Errors(BackendsResponse, body)]).toEqual([])
    expect(body.backends[0]).toMatchObject({
      name: 'fake',
      driver: 'acp',
      available: true,
      ready: true,
      default: true,
      models: ['model-1'],
      capabilities: {
        system_prompt: 'emulated',
        approval_modes: { default: 'native', none: 'emulated' },
        documents: 'none',
        effort: 'none',
        profiles: ['full'],
      },
    })
  })

  test('says why one is not ready', () => {
    const { backends } = toBackendsResponse([
      backend({ ready: false, reason: 'Run: fake login', version: '1.2' }),
    ])
    expect(backends[0]).toMatchObject({ ready: false, reason: 'Run: fake login', version: '1.2' })
  })
})

test('tells that it is there at the addresses where clients look', async () => {
  const { request } = testApp()
  expect(await (await request('/')).json()).toMatchObject({ name: 'clinvk', version: '9.9.9' })
  for (const path of ['/', '/api/hello', '/anthropic/api/hello', '/anthropic/v1', '/openai/v1/models'])
    expect((await request(path, { method: 'HEAD' })).status).toBe(200)
})

describe('GET /health', () => {
  const states: [name: string, backends: BackendInfo[], status: string][] = [
    ['no backend at all', [], 'ok'],
    ['a backend that nobody configured is missing', [backend({ available: false })], 'ok'],
    ['a configured backend is missing', [backend({ available: false, configured: true })], 'degraded'],
    ['a configured backend is there', [backend({ configured: true })], 'ok'],
    [
      'a configured backend is missing and disabled',
      [backend({ available: false, configured: true, enabled: false })],
      'ok',
    ],
  ]
  for (const [name, backends, status] of states)
    test(`is ${status} where ${name}`, () => {
      expect(toHealthResponse(backends, '1.0.0', 1999)).toMatchObject({
        status,
        version: '1.0.0',
        uptime_s: 1,
      })
    })

  test('says whether the demonstration is offered, and which backends are ready', () => {
    const backends = [
      backend({ name: 'demo', demo: true }),
      backend({ name: 'a', ready: false, reason: 'secret' }),
    ]
    expect(toHealthResponse(backends, '1', 0)).toEqual({
      status: 'ok',
      version: '1',
      uptime_s: 0,
      demo: true,
      backends: { demo: { ready: true }, a: { ready: false } },
    })
  })

  test('is answered', async () => {
    const engine = fakeEngine()
    const response = await testApp({ engine }).request('/health')
    expect(await response.json()).toMatchObject({
      status: 'ok',
      version: '9.9.9',
      backends: { fake: { ready: true } },
    })
  })
})
