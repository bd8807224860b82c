import { afterEach, beforeEach, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toSpec } from '../../src/service/spec.ts'
import type { RunTool } from '../../src/service/types.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clinvk-spec-'))
})
afterEach(async () => await rm(folder, { recursive: true, force: true }))

/** A machine where root asks, and `me` and `she` have homes below the folder. */
const run: RunTool = async ([program, , script = '']) => {
  const name = /~(\w+)$/.exec(script)?.[1]
  return {
    ok: true,
    complaint: '',
    stdout: program === '/usr/bin/id' ? 'root\n' : `${join(folder, `${name}`)}\n`,
  }
}
const spec = (more: Partial<Parameters<typeof toSpec>[0]> = {}) =>
  toSpec({
    flags: {},
    system: true,
    env: { PATH: '/bin', SUDO_USER: 'me' },
    homeDir: join(folder, 'root'),
    serve: (options) => ['clinvk', 'serve', ...options],
    run,
    ...more,
  })
const configure = (name: string, text: string) => Bun.write(join(folder, name, '.clinvk/config.yaml'), text)

test('a service of the machine has the configuration of whom it runs as, not of root', async () => {
  await configure('root', 'server: {drain_secs: 1}\n')
  await configure('me', 'server: {drain_secs: 90}\n')
  await configure('she', 'server: {drain_secs: 120}\n')
  expect(await spec()).toMatchObject({ drainSecs: 90, runAs: { user: 'me', home: join(folder, 'me') } })
  expect((await spec({ runAs: 'she' })).drainSecs).toBe(120)
  expect((await spec({ system: false })).drainSecs).toBe(1)
  await configure('she', 'server: {drain_secs: long}\n')
  await expect(spec({ runAs: 'she' })).rejects.toMatchObject({ code: 'config_invalid' })
})

test('it is noted where that is, and only a folder that was named is a variable of the service', async () => {
  const { flags, variables } = await spec()
  expect([flags.home, variables]).toEqual([join(folder, 'me', '.clinvk'), { PATH: '/bin' }])
  const named = await spec({ env: { PATH: '/bin', SUDO_USER: 'me', CLINVK_HOME: '/srv/clinvk' } })
  expect([named.flags.home, named.variables]).toEqual([
    '/srv/clinvk',
    { PATH: '/bin', CLINVK_HOME: '/srv/clinvk' },
  ])
  expect((await spec({ system: false })).flags.home).toBeUndefined()
})
