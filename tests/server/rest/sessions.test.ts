import { afterEach, describe, expect, test } from 'bun:test'
import { tmpdir } from 'node:os'
import { Value } from '@sinclair/typebox/value'
import { Session, SessionList, WholeSession } from '../../../src/server/rest/sessions/schema.ts'
import { eventsOf } from '../support.ts'
import { stage as open } from './stage.ts'

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp()
})

function stage() {
  const made = open()
  cleanUps.push(made.close)
  return made
}

describe('sessions over HTTP', () => {
  test('are listed with everything that old and new clients read', async () => {
    const { send, prompt } = stage()
    const { session_id: id } = await prompt('A question', { title: 'T', tags: ['x'] })
    const { body } = await send('GET', '/api/v1/sessions?backend=fake&tag=x&limit=5')
    expect([...Value.Errors(SessionList, body)]).toEqual([])
    expect(body).toMatchObject({
      total: 1,
      limit: 5,
      offset: 0,
      sessions: [
        {
          id,
          backend: 'fake',
          working_dir: tmpdir(),
          title: 'T',
          tags: ['x'],
          status: 'completed',
          turn_count: 1,
          initial_prompt: 'A question',
        },
      ],
    })
  })

  test('come in pages, by offset and by cursor', async () => {
    const { send, prompt } = stage()
    for (const text of ['one', 'two', 'three']) await prompt(text)
    const page = async (query: string) => (await send('GET', `/api/v1/sessions?${query}`)).body
    const first = await page('limit=2')
    expect(first.sessions).toHaveLength(2)
    const rest = await page(`limit=2&cursor=${first.next_cursor}`)
    expect(rest.sessions).toHaveLength(1)
    expect(rest).not.toHaveProperty('next_cursor')
    expect((await page('limit=2&offset=2')).sessions).toEqual(rest.sessions)
  })

  const wrong: [query: string, path: string][] = [
    ['limit=0', 'limit'],
    ['limit=x', 'limit'],
    ['offset=-1', 'offset'],
    ['cursor=a&offset=1', 'cursor'],
    ['stauts=idle', 'stauts'],
  ]
  test.each(wrong)('refuse the query %s', async (query, path) => {
    const { status, body } = await stage().send('GET', `/api/v1/sessions?${query}`)
    expect([status, body.errors]).toMatchObject([400, [{ path }]])
  })

  test('are read with their turns, by the beginning of an id', async () => {
    const { send, prompt } = stage()
    const { session_id: id } = await prompt('one')
    const { body } = await send('GET', `/api/v1/sessions/${id.slice(0, 12)}`)
    expect([...Value.Errors(WholeSession, body)]).toEqual([])
    expect(body).toMatchObject({
      id,
      turns: [{ number: 1, prompt: 'one', response: 'one', status: 'completed' }],
    })
    expect((await send('GET', '/api/v1/sessions/ses_none')).status).toBe(404)
  })

  test('go on, by their own address and by session_id, streamed too', async () => {
    const { send, prompt, fake } = stage()
    const { session_id: id } = await prompt('one')
    const { body } = await send('POST', `/api/v1/sessions/${id}/prompt`, { prompt: 'two' })
    expect(body).toMatchObject({ session_id: id, response: 'two' })
    await prompt('three', { session_id: id })
    const streamed = await send('POST', `/api/v1/sessions/${id}/prompt`, { prompt: 'four', stream: true })
    expect(eventsOf(streamed.text).at(-1)).toMatchObject({ type: 'done', session_id: id })
    expect((await send('GET', `/api/v1/sessions/${id}`)).body.turns).toHaveLength(4)
    expect(fake.opened).toHaveLength(1)
    const refused = await send('POST', `/api/v1/sessions/${id}/prompt`, { prompt: 'x', session_id: 'other' })
    expect([refused.status, refused.body.errors]).toMatchObject([400, [{ path: 'session_id' }]])
    const titled = await send('POST', '/api/v1/prompt', { prompt: 'x', session_id: id, title: 'T' })
    expect([titled.status, titled.body.errors]).toMatchObject([400, [{ path: 'title' }]])
  })

  test('are changed, and refuse what cannot be changed', async () => {
    const { send, prompt } = stage()
    const { session_id: id } = await prompt('one')
    const { body } = await send('PATCH', `/api/v1/sessions/${id}`, { title: 'New', tags: ['a', 'b'] })
    expect([...Value.Errors(Session, body)]).toEqual([])
    expect(body).toMatchObject({ title: 'New', tags: ['a', 'b'] })
    expect((await send('PATCH', `/api/v1/sessions/${id}`, { title: null })).body).not.toHaveProperty('title')
    const wrongField = await send('PATCH', `/api/v1/sessions/${id}`, { status: 'idle' })
    expect([wrongField.status, wrongField.body.errors]).toMatchObject([400, [{ path: 'status' }]])
  })

  test('are forked', async () => {
    const { send, prompt } = stage()
    const { session_id: id } = await prompt('one')
    const { body: fork } = await send('POST', `/api/v1/sessions/${id}/fork`)
    expect(fork).toMatchObject({ parent_id: id, turn_count: 1 })
    const { body } = await send('POST', `/api/v1/sessions/${fork.id}/prompt`, { prompt: 'two' })
    expect(body).toMatchObject({ session_id: fork.id, replayed: true })
    expect((await send('POST', `/api/v1/sessions/${id}/fork`, { title: 'B' })).body.title).toBe('B')
  })

  test('are deleted, by no less than eight characters', async () => {
    const { send, prompt, fake } = stage()
    const { session_id: id } = await prompt('one')
    expect((await send('DELETE', `/api/v1/sessions/${id.slice(0, 11)}`)).status).toBe(400)
    expect((await send('DELETE', `/api/v1/sessions/${id.slice(0, 12)}`)).body).toEqual({ id, deleted: true })
    expect(fake.log).toEqual(['close agent-1'])
    expect((await send('DELETE', `/api/v1/sessions/${id}`)).status).toBe(404)
    expect((await send('POST', `/api/v1/sessions/${id}/prompt`, { prompt: 'x' })).status).toBe(404)
  })
})
