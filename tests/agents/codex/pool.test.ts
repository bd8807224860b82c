import { describe, expect, test } from 'bun:test'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { configEssence } from '../../../src/agents/codex/startup-files.ts'
import { SMALL_POOL } from '../../../src/agents/pool/types.ts'
import { isAlive, waitUntil } from '../../support/processes.ts'
import { drive, never, options, take, textOf } from './support.ts'

const KEPT = { idleMs: 60_000 }
const pidOf = async (session: Parameters<typeof take>[0]) =>
  Number(textOf(await take(session, [{ say: '$pid' }])))

describe('the processes of Codex', () => {
  test('are had as they are, and counted', async () => {
    await using fake = drive({}, {}, KEPT)
    const [first, second] = [
      await fake.driver.open(options(), never),
      await fake.driver.open(options(), never),
    ]
    expect([first.start, second.start]).toEqual(['cold', 'spare'])
    await pidOf(first)
    expect(fake.driver.pool?.exclusive).toBe(false)
    expect(fake.driver.pool?.stats()).toMatchObject({
      processes: [{ state: 'idle', sessions: 2, turns: 1 }],
      opened: { cold: 1, spare: 1 },
    })
    await Promise.all([first.close(), second.close()])
    expect(fake.driver.pool?.stats().processes).toMatchObject([{ sessions: 0 }])
    expect(fake.driver.pool?.shed()).toBe(true)
  })

  test('tell their sessions when they are to end', async () => {
    await using fake = drive({}, { pool: { ...SMALL_POOL, maxTurns: 2 } }, KEPT)
    const session = await fake.driver.open(options(), never)
    await pidOf(session)
    expect(session.worn).toBe(false)
    await pidOf(session)
    expect(session.worn).toBe(true)
  })

  test('are busy until their turn is over', async () => {
    await using fake = drive({}, {}, KEPT)
    const session = await fake.driver.open(options(), never)
    const turn = session.prompt(
      { parts: [{ type: 'text', text: JSON.stringify([{ say: 'x' }, { hang: 'interruptible' }]) }] },
      never,
    )
    await turn.next()
    expect(fake.driver.pool?.stats().processes).toMatchObject([{ state: 'busy' }])
    await turn.return()
    expect(fake.driver.pool?.stats().processes).toMatchObject([{ state: 'idle' }])
  })

  test('are asked for a probe without being counted, and one that is there is enough', async () => {
    await using fake = drive({}, {}, KEPT)
    await fake.driver.open(options(), never)
    expect((await fake.driver.probe()).ready).toBe(true)
    expect(fake.driver.pool?.stats()).toMatchObject({
      processes: [{ sessions: 1 }],
      opened: { cold: 1, spare: 0 },
    })
  })

  test('serve the first session once a probe has started one', async () => {
    await using fake = drive({}, {}, KEPT)
    await fake.driver.probe()
    expect((await fake.driver.open(options(), never)).start).toBe('spare')
  })

  test('have not died where they were ended for not answering, or without a login', async () => {
    await using fake = drive()
    const session = await fake.driver.open(options(), never)
    const turn = session.prompt(
      { parts: [{ type: 'text', text: JSON.stringify([{ say: 'x' }, { hang: 'deaf' }]) }] },
      never,
    )
    await turn.next()
    await turn.next()
    await turn.return()
    await using loggedOut = drive({ account: { account: null, requiresOpenaiAuth: true } })
    await loggedOut.driver.probe()
    for (const { driver } of [fake, loggedOut])
      expect(driver.pool?.stats()).toMatchObject({ died: 0, processes: [] })
  })

  test('end with their session where they are not to be kept', async () => {
    await using fake = drive({}, { pool: { ...SMALL_POOL, enabled: false } }, KEPT)
    const first = await fake.driver.open(options(), never)
    const second = await fake.driver.open(options(), never)
    const [one, two] = [await pidOf(first), await pidOf(second)]
    expect(one).not.toBe(two)
    await first.close()
    await waitUntil(() => !isAlive(one))
    expect(isAlive(two)).toBe(true)
  })
})

describe('a new process of Codex', () => {
  test('knows a login and a configuration that came after the last one', async () => {
    await using fake = drive({}, {}, KEPT)
    const path = (name: string) => join(fake.folder, 'home', name)
    mkdirSync(dirname(path('config.toml')))
    const pids: number[] = []
    const look = async () => {
      const session = await fake.driver.open(options(), never)
      pids.push(await pidOf(session))
      await session.close()
    }
    await look()
    writeFileSync(path('auth.json'), '{"OPENAI_API_KEY":"k"}')
    await look()
    writeFileSync(path('config.toml'), 'model = "m"\n')
    await look()
    writeFileSync(path('config.toml'), 'model = "m"\n[projects."/x"]\ntrust_level = "trusted"\n')
    await look()
    expect(new Set(pids).size).toBe(3)
    expect(pids[3]).toBe(pids[2] ?? 0)
    expect(fake.driver.pool?.stats().recycled.changed).toBe(2)
  })

  test('is started where its user has written instructions that it must not see', async () => {
    await using fake = drive({}, {}, KEPT)
    mkdirSync(join(fake.folder, 'home'))
    const open = async () => (await fake.driver.open(options({ profile: 'project' }), never)).start
    expect([await open(), await open()]).toEqual(['cold', 'spare'])
    writeFileSync(join(fake.folder, 'home', 'AGENTS.md'), 'Be rude.')
    expect(await open()).toBe('cold')
  })
})

test('what matters in a configuration is not which folders are trusted', () => {
  const own = 'model = "m"\n[mcp_servers.docs]\ncommand = "x"\n'
  const noted = '[projects."/a b"]\ntrust_level = "trusted"\n[notice]\nhide_rate_limit_model_nudge = true\n'
  expect(configEssence(own + noted)).toEqual(configEssence(own))
  expect(configEssence(own)).toEqual({ model: 'm', mcp_servers: { docs: { command: 'x' } } })
})
