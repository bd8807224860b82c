/** What is left of agents that do not listen, when others have failed or the server stops. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from '../../support/events.ts'
import { runningIn, waitUntil } from '../../support/processes.ts'
import { type ServedClinvk, startClinvk } from '../../support/serve.ts'

let home: string
let clinvk: ServedClinvk
beforeEach(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'clinvk-tasks-')))
  await mkdir(join(home, 'work'))
  // Says that it is there, and does not listen to TERM or INT. The other fails as soon as it has seen that.
  const deaf = `trap '' TERM INT; touch ${home}/deaf.$$; while :; do sleep 0.1; done`
  const fails = `while [ $(ls ${home} | grep -c deaf) -lt 2 ]; do sleep 0.05; done; exit 3`
  const backend = (script: string) => `{driver: exec, command: [sh, -c, ${JSON.stringify(script)}]}`
  await Bun.write(
    join(home, '.clinvk/config.yaml'),
    `server: {drain_secs: 0}\nbackends: {deaf: ${backend(deaf)}, fails: ${backend(fails)}}\n`,
  )
  clinvk = await startClinvk({ env: { PATH: '/usr/bin:/bin', HOME: home }, cwd: join(home, 'work') })
})
afterEach(async () => {
  await clinvk.stop('SIGKILL')
  await waitUntil(async () => (await runningIn(home)).length === 0, { what: 'the end of all processes' })
  await rm(home, { recursive: true, force: true })
})

const deaf = { backend: 'deaf', prompt: 'x' }

describe('agents that ignore SIGTERM', () => {
  test('are gone when fail_fast has ended them and the answer is there', async () => {
    const body = await json(
      await clinvk.post('/api/v1/parallel', {
        tasks: [deaf, deaf, { backend: 'fails', prompt: 'x' }, deaf],
        max_parallel: 3,
        fail_fast: true,
      }),
    )
    expect(body).toMatchObject({
      total_tasks: 4,
      completed: 0,
      failed: 1,
      cancelled: 3,
      results: [
        { status: 'cancelled' },
        { status: 'cancelled' },
        { status: 'failed' },
        { status: 'cancelled' },
      ],
    })
    expect((await runningIn(home)).map(({ pid }) => pid)).toEqual([clinvk.pid])
  }, 180_000)

  test('are gone when the server has stopped', async () => {
    const answering = clinvk.post('/api/v1/parallel', { tasks: [deaf, deaf] }).catch(() => undefined)
    await waitUntil(async () => (await runningIn(home)).length >= 3, { what: 'the start of the agents' })
    expect(await clinvk.stop()).toBe(0)
    expect(await runningIn(home)).toEqual([])
    await answering
  }, 180_000)
})
