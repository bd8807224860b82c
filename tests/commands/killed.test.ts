import { afterEach, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sentIn } from '../server/openai/responses/support.ts'
import { eventsOf } from '../server/support.ts'
import { processesIn, waitUntil } from '../support/processes.ts'
import { type ServedClinvk, startClinvk } from '../support/serve.ts'

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

/** Servers that share a home, one after another or at once. */
function stage() {
  const home = mkdtempSync(join(tmpdir(), 'clinvk-killed-'))
  cleanUps.push(() => rmSync(home, { recursive: true, force: true }))
  mkdirSync(join(home, 'clinvk'))
  // What it is to end is not to be waited for.
  writeFileSync(join(home, 'clinvk', 'config.yaml'), 'server: {drain_secs: 0}\n')
  const env = { PATH: process.env['PATH'] ?? '', HOME: home, CLINVK_HOME: join(home, 'clinvk') }
  return {
    home,
    async serve(): Promise<ServedClinvk> {
      const server = await startClinvk({ env, cwd: home, args: ['--demo'] })
      cleanUps.push(() => server.stop('SIGKILL'))
      return server
    },
  }
}
interface Answer {
  readonly session_id: string
  readonly turns: unknown
}
const get = async ({ url }: ServedClinvk, path: string): Promise<Answer> =>
  (await (await fetch(`${url}${path}`)).json()) as Answer

test('what a server that is killed had told is there at the next start, and its session goes on', async () => {
  const { home, serve } = stage()
  const first = await serve()
  const prompt = 'demo: say=begun; tokens=100000 delay=5ms size=4'
  const response = await first.post('/api/v1/prompt', {
    backend: 'demo',
    prompt,
    stream: true,
    on_disconnect: 'continue',
  })
  const id = response.headers.get('x-clinvk-run')
  const reader = response.body?.getReader()
  let seen = ''
  while (eventsOf(seen).length < 20) seen += new TextDecoder().decode((await reader?.read())?.value)
  await first.stop('SIGKILL')
  await reader?.cancel().catch(() => {})
  expect(await processesIn(home)).toEqual([])

  const next = await serve()
  const run = await get(next, `/api/v1/runs/${id}`)
  expect(run).toMatchObject({ status: 'interrupted', kind: 'prompt' })
  const told = eventsOf(await (await fetch(`${next.url}/api/v1/runs/${id}/events`)).text())
  const acknowledged = eventsOf(seen)
  expect(told.slice(0, acknowledged.length)).toEqual(acknowledged)
  expect(told.at(-1)).toMatchObject({ type: 'error', content: { code: 'run_interrupted' } })

  const session = await get(next, `/api/v1/sessions/${run.session_id}`)
  expect(session.turns).toMatchObject([{ status: 'interrupted', response: expect.stringMatching(/^begun/) }])
  const more = await next.post('/api/v1/prompt', {
    backend: 'demo',
    session_id: run.session_id,
    prompt: 'demo: say=again',
  })
  expect(await more.json()).toMatchObject({ output: 'again', session_id: run.session_id })
}, 180_000)

test('a run of another server that shares the home is followed and cancelled', async () => {
  const { serve } = stage()
  const [one, other] = await Promise.all([serve(), serve()])
  const begun = await one.post('/api/v1/prompt', {
    backend: 'demo',
    prompt: 'demo: say=here; hang',
    background: true,
  })
  const { id } = (await begun.json()) as { id: string }
  const following = fetch(`${other.url}/api/v1/runs/${id}/events`).then((response) => response.text())
  const cancelled = await other.post(`/api/v1/runs/${id}/cancel`, {})
  expect(await cancelled.json()).toMatchObject({ status: 'cancelled' })
  const told = eventsOf(await following)
  expect(told.at(-1)).toMatchObject({ type: 'error', content: { code: 'cancelled' } })
}, 180_000)

test('who follows a run of a server that stops in order is told its end as it is kept', async () => {
  const { serve } = stage()
  const first = await serve()
  const prompt = 'demo: tokens=100000 delay=1ms size=4'
  const begun = await first.post('/api/v1/prompt', { backend: 'demo', prompt, background: true })
  const { id } = (await begun.json()) as { id: string }
  const followers = [1, 2, 3].map(() => fetch(`${first.url}/api/v1/runs/${id}/events`))
  const texts = (await Promise.all(followers)).map((response) => response.text())
  await Bun.sleep(300)
  expect(await first.stop()).toBe(0)
  const next = await serve()
  const kept = eventsOf(await (await fetch(`${next.url}/api/v1/runs/${id}/events`)).text())
  const bare = (events: typeof kept) => events.map(({ sequence, type }) => [sequence, type])
  for (const text of texts) expect(bare(eventsOf(await text))).toEqual(bare(kept))
  expect(kept.at(-1)).toMatchObject({ type: 'error', content: { code: 'shutting_down' } })
}, 180_000)

test('a session is deleted by another server than the one that works in it', async () => {
  const { serve } = stage()
  const [one, other] = await Promise.all([serve(), serve()])
  const begun = await one.post('/api/v1/prompt', {
    backend: 'demo',
    prompt: 'demo: say=here; hang',
    background: true,
  })
  const { id, session_id: session } = (await begun.json()) as { id: string; session_id: string }
  expect((await fetch(`${other.url}/api/v1/sessions/${session}`, { method: 'DELETE' })).status).toBe(200)
  const gone = async () => (await fetch(`${one.url}/api/v1/runs/${id}`)).status === 404
  await waitUntil(gone)
}, 180_000)

// Well before a process that says nothing would be taken for dead.
test('a server notices that another one was killed when it waits for it', async () => {
  const { serve } = stage()
  const [one, other] = await Promise.all([serve(), serve()])
  const begun = await one.post('/api/v1/prompt', {
    backend: 'demo',
    prompt: 'demo: say=here; hang',
    background: true,
  })
  const { id, session_id: session } = (await begun.json()) as { id: string; session_id: string }
  const following = fetch(`${other.url}/api/v1/runs/${id}/events`).then((response) => response.text())
  await Bun.sleep(300)
  await one.stop('SIGKILL')
  const next = { backend: 'demo', session_id: session, prompt: 'demo: say=again' }
  expect(await (await other.post('/api/v1/prompt', next)).json()).toMatchObject({ output: 'again' })
  expect(eventsOf(await following).at(-1)).toMatchObject({ content: { code: 'run_interrupted' } })
}, 180_000)

test('a server that stops in order has its runs end as what they were', async () => {
  const { serve } = stage()
  const first = await serve()
  const begun = await first.post('/api/v1/prompt', {
    backend: 'demo',
    prompt: 'demo: say=here; hang',
    background: true,
  })
  const { id } = (await begun.json()) as { id: string }
  await Bun.sleep(200)
  expect(await first.stop()).toBe(0)
  const run = await get(await serve(), `/api/v1/runs/${id}`)
  expect(run).toMatchObject({ status: 'interrupted', error: { code: 'shutting_down' } })
}, 180_000)

test('sessions of the earlier program are there at the first start, and what is none is named', async () => {
  const { home, serve } = stage()
  const folder = join(home, 'clinvk', 'sessions')
  mkdirSync(folder, { recursive: true })
  const earlier = {
    id: '0123456789abcdef',
    backend: 'demo',
    created_at: new Date().toISOString(),
    last_used: new Date().toISOString(),
    working_dir: home,
    title: 'Earlier',
  }
  writeFileSync(join(folder, 'a.json'), JSON.stringify(earlier))
  writeFileSync(join(folder, 'b.json'), 'no JSON')
  const server = await serve()
  expect(await get(server, '/api/v1/sessions/01234567')).toMatchObject({ id: earlier.id, title: 'Earlier' })
  expect(server.output()).toContain('b.json')
}, 180_000)

const RESPONSES = '/openai/v1/responses'
const follow = async ({ url }: ServedClinvk, id: string, query = '') =>
  sentIn(await (await fetch(`${url}${RESPONSES}/${id}?stream=true${query}`)).text())

test('a response in the background is told by the server after one that is killed', async () => {
  const { home, serve } = stage()
  const first = await serve()
  const begin = (input: string, more = {}) =>
    first.post(RESPONSES, { model: 'demo', input, background: true, ...more })
  const { id: whole } = (await (await begin('demo: say=whole')).json()) as { id: string }
  const before = await follow(first, whole)
  expect(before.at(-1)?.event).toBe('response.completed')
  const response = await begin('demo: say=begun; tokens=100000 delay=5ms size=4', { stream: true })
  const reader = response.body?.getReader()
  let seen = ''
  while (sentIn(seen).length < 20) seen += new TextDecoder().decode((await reader?.read())?.value)
  await first.stop('SIGKILL')
  await reader?.cancel().catch(() => {})
  expect(await processesIn(home)).toEqual([])

  const next = await serve()
  expect(await follow(next, whole)).toEqual(before)
  expect(await get(next, `${RESPONSES}/${whole}`)).toMatchObject({
    status: 'completed',
    output: [{ content: [{ text: 'whole' }] }],
  })
  const acknowledged = sentIn(seen)
  const { id } = (acknowledged[0]?.data['response'] ?? {}) as { id: string }
  const events = await follow(next, id)
  expect(events.slice(0, acknowledged.length)).toEqual(acknowledged)
  expect(events.map(({ data }) => data.sequence_number)).toEqual(events.map((_, index) => index))
  const failed = await get(next, `${RESPONSES}/${id}`)
  expect(failed).toMatchObject({ id, status: 'failed', error: { code: 'run_interrupted' } })
  expect(events.at(-1)).toMatchObject({ event: 'response.failed', data: { response: failed } })
  expect(await follow(next, id, `&starting_after=${acknowledged.length - 1}`)).toEqual(
    events.slice(acknowledged.length),
  )
}, 180_000)

test('a response in the background ends with a server that stops in order, which tells its followers', async () => {
  const { serve } = stage()
  const first = await serve()
  const begun = await first.post(RESPONSES, {
    model: 'demo',
    input: 'demo: say=here; hang',
    background: true,
  })
  const { id } = (await begun.json()) as { id: string }
  const following = follow(first, id)
  await Bun.sleep(200)
  expect(await first.stop()).toBe(0)
  const failed = await get(await serve(), `${RESPONSES}/${id}`)
  expect(failed).toMatchObject({ status: 'failed', error: { code: 'shutting_down' } })
  expect((await following).at(-1)?.data['response']).toEqual(failed)
}, 180_000)
