import { afterAll, describe, expect, test } from 'bun:test'
import { type FetchLimits, fetchPublic } from '../../../src/server/chat/fetch-public.ts'

const seen: string[] = []
const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  async fetch(request) {
    const { pathname } = new URL(request.url)
    seen.push(`${request.headers.get('host')}${pathname}`)
    if (pathname === '/image') return new Response('bytes', { headers: { 'content-type': 'Image/PNG; q=1' } })
    if (pathname === '/moved') return new Response(null, { status: 302, headers: { location: '/image' } })
    if (pathname === '/inside')
      return new Response(null, { status: 302, headers: { location: 'http://inside.test/' } })
    if (pathname === '/file')
      return new Response(null, { status: 302, headers: { location: 'file:///etc/passwd' } })
    if (pathname === '/loop') return new Response(null, { status: 307, headers: { location: '/loop' } })
    if (pathname === '/big') return new Response('x'.repeat(5000))
    if (pathname === '/slow') await Bun.sleep(60_000)
    return new Response('no', { status: 404 })
  },
})
afterAll(() => server.stop(true))

const OUTSIDE = '127.0.0.1'
const limits: FetchLimits = {
  maxBytes: 1000,
  timeoutMs: 5000,
  maxRedirects: 3,
  // The only address that a test may call plays the public one.
  isAllowed: (address) => address === OUTSIDE,
  resolve: async (hostname) => {
    if (hostname === 'unknown.test') throw new Error('ENOTFOUND')
    if (hostname === 'inside.test') return [{ address: '10.0.0.1', family: 4 }]
    if (hostname === 'both.test')
      return [
        { address: OUTSIDE, family: 4 },
        { address: '10.0.0.1', family: 4 },
      ]
    return [{ address: OUTSIDE, family: 4 }]
  },
}
const get = (path: string, more: Partial<FetchLimits> = {}, host = 'pictures.test') =>
  fetchPublic(`http://${host}:${server.port}${path}`, { ...limits, ...more })

describe('fetchPublic', () => {
  test('fetches from the address that was looked at, under the name that was asked for', async () => {
    const { mediaType, bytes } = await get('/image')
    expect(mediaType).toBe('image/png')
    expect(new TextDecoder().decode(bytes)).toBe('bytes')
    expect(seen).toContain(`pictures.test:${server.port}/image`)
  })

  test('asks for the addresses of a name once, so that they cannot change in between', async () => {
    let asked = 0
    await get('/image', {
      resolve: async () => {
        asked += 1
        return [{ address: asked === 1 ? OUTSIDE : '10.0.0.1', family: 4 }]
      },
    })
    expect(asked).toBe(1)
  })

  test('follows a redirect', async () => {
    expect((await get('/moved')).mediaType).toBe('image/png')
  })

  const refused: [title: string, address: string, message: RegExp][] = [
    ['a private address', 'http://10.0.0.1/', /not on the public internet/],
    ['a loopback address in another spelling', 'http://2130706434/', /not on the public internet/],
    ['a loopback address of IPv6', 'http://[::1]/', /not on the public internet/],
    ['a name of a private address', 'http://inside.test/', /not on the public internet/],
    ['a name with a private address among others', 'http://both.test/', /not on the public internet/],
    ['an unknown name', 'http://unknown.test/', /host is unknown/],
    ['a redirect to a private address', `http://p.test:${server.port}/inside`, /not on the public internet/],
    ['a redirect to another protocol', `http://p.test:${server.port}/file`, /another protocol/],
    ['redirects without end', `http://p.test:${server.port}/loop`, /redirected too often/],
    ['a password', 'http://ann:secret@p.test/', /password/],
    ['an answer that is none', `http://p.test:${server.port}/none`, /status 404/],
    ['too many bytes', `http://p.test:${server.port}/big`, /larger than 1000 bytes/],
    ['a port where nobody listens', 'http://p.test:1/', /cannot be reached/],
  ]
  test.each(refused)('refuses %s', async (_, address, message) => {
    const failed: unknown = await fetchPublic(address, limits).catch((error) => error)
    expect(failed).toBeInstanceOf(Error)
    expect((failed as Error).message).toMatch(message)
  })

  test('refuses every loopback address by itself', async () => {
    const { isAllowed: _, resolve: __, ...usual } = limits
    for (const host of ['127.0.0.1', 'localhost']) {
      const failed: unknown = await fetchPublic(`http://${host}:${server.port}/image`, usual).catch((e) => e)
      expect((failed as Error).message).toMatch(/not on the public internet/)
    }
  })

  test('gives up an answer that does not come', async () => {
    const failed: unknown = await get('/slow', { timeoutMs: 50 }).catch((error) => error)
    expect((failed as Error).message).toMatch(/not there within 0.05 s/)
  })
})
