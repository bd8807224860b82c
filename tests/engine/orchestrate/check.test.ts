import { describe, expect, test } from 'bun:test'
import { checkEach, inList, planTasks } from '../../../src/engine/orchestrate/check.ts'
import type { TurnRequest } from '../../../src/engine/types.ts'
import { ClinvkError } from '../../../src/errors.ts'
import { createFakeDriver } from '../../support/fake-driver.ts'
import { ask, engineOf, never } from './support.ts'

const refusalOf = async (promise: Promise<unknown>): Promise<ClinvkError> =>
  await promise.then(
    () => {
      throw new Error('It was not refused.')
    },
    (error) => error,
  )

describe('tasks are checked before any runs', () => {
  const mistakes: [wrong: Partial<TurnRequest>, code: string, path: string, message: RegExp][] = [
    [{ backend: 'fak' }, 'backend_not_found', 'tasks[1].backend', /^There is no backend "fak"/],
    [{ sessionId: 'ses_x' }, 'session_not_found', 'tasks[1].session_id', /^There is no session "ses_x"/],
    [{ workdir: '/nowhere/at/all' }, 'invalid_workdir', 'tasks[1].workdir', /nowhere/],
    [{ workdir: '/usr' }, 'workdir_refused', 'tasks[1].workdir', /usr/],
    [{ maxTurns: 3 }, 'unsupported_option', 'tasks[1].max_turns', /^fake cannot limit its turns/],
    [{ extraFlags: ['--x'] }, 'forbidden', 'tasks[1].extra', /^"--x" is not allowed/],
    [{ model: '-x' }, 'invalid_request', 'tasks[1].model', /no model name/],
    [{ model: 'fast' }, 'invalid_request', 'tasks[1].model', /has no model for "fast"/],
  ]
  test.each(mistakes)('%o', async (wrong, code, path, message) => {
    const fake = createFakeDriver('fake', { maxTurns: 'none' })
    const tasks = [ask('a'), ask('b', wrong)].map((request) => ({ request }))
    const error = await refusalOf(planTasks(engineOf(fake), tasks, inList('tasks')))
    expect(error).toBeInstanceOf(ClinvkError)
    expect([error.code, error.details['errors']]).toEqual([
      code as typeof error.code,
      [{ path, message: expect.stringMatching(message) }],
    ])
    expect(error.message).toStartWith(`${path} `.replace(' ', ': '))
    expect(fake.opened).toEqual([])
  })

  test('a session of another backend, or in another folder', async () => {
    const [one, two] = [createFakeDriver('one'), createFakeDriver('two')]
    const engine = engineOf(one, two)
    const turn = await engine.start(ask('a', { backend: 'one' }), never)
    await Array.fromAsync(turn.events)
    const { sessionId } = turn
    const tasks = [ask('a', { sessionId, backend: 'two' }), ask('b', { sessionId, workdir: '/var' })]
    const error = await refusalOf(
      planTasks(
        engine,
        tasks.map((request) => ({ request })),
        inList('tasks'),
      ),
    )
    expect(error.details['errors']).toMatchObject([
      { path: 'tasks[0].backend' },
      { path: 'tasks[1].workdir' },
    ])
  })

  test('all that is wrong is told, with the status of the first', async () => {
    const tasks = [{ backend: 'x' }, {}, { workdir: '/nowhere' }].map((more) => ({ request: ask('a', more) }))
    const error = await refusalOf(planTasks(engineOf(createFakeDriver()), tasks, inList('tasks')))
    expect([error.code, error.status]).toEqual(['backend_not_found', 404])
    expect(error.details['errors']).toMatchObject([
      { path: 'tasks[0].backend' },
      { path: 'tasks[2].workdir' },
    ])
    expect(error.message).toContain('tasks[0].backend: ')
    expect(error.message).toContain('tasks[2].workdir: ')
  })

  test('no more of it than one can read', async () => {
    const tasks = Array.from({ length: 100 }, () => ({ request: ask('a', { backend: 'x' }) }))
    const error = await refusalOf(planTasks(engineOf(createFakeDriver()), tasks, inList('tasks')))
    expect(error.details['errors']).toHaveLength(20)
  })

  test('fields that an error names get their place', async () => {
    const error = await refusalOf(
      checkEach(['a', 'b'], inList('steps'), (_, index) => {
        if (index === 0) return
        throw new ClinvkError('invalid_request', 'images[0].data is bad.', {
          details: { errors: [{ path: 'images[0].data', message: 'is bad.' }] },
        })
      }),
    )
    expect(error.message).toBe('steps[1].images[0].data is bad.')
    expect(error.details['errors']).toEqual([{ path: 'steps[1].images[0].data', message: 'is bad.' }])
  })

  test('what is left to default is settled', async () => {
    const [task] = await planTasks(
      engineOf(createFakeDriver('only')),
      [{ request: ask('a') }],
      inList('tasks'),
    )
    expect(task?.request.backend).toBe('only')
    expect(task?.plan).toMatchObject({ backend: 'only', workdir: expect.any(String) })
  })
})
