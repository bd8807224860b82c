import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { resolveWorkdir } from '../../src/process/workdir.ts'

let base: string
beforeAll(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), 'clinvk-workdir-')))
  for (const folder of ['ok/deep', 'ok2', 'secret']) await mkdir(join(base, folder), { recursive: true })
  await symlink(join(base, 'secret'), join(base, 'ok/way-out'))
  await symlink(join(base, 'ok'), join(base, 'alias'))
  await writeFile(join(base, 'ok/file'), '')
})
afterAll(async () => await rm(base, { recursive: true }))

const at = (name: string) => join(base, name)
const rules = (allowed: string[] = [], blocked: string[] = [], defaultFolder = at('ok')) => ({
  allowed,
  blocked,
  defaultFolder,
})
const code = async (promise: Promise<string>) =>
  await promise.then(
    () => 'accepted',
    (error: { code: string }) => error.code,
  )

describe('resolveWorkdir', () => {
  test('takes the default folder where none is named, and the real path of a link', async () => {
    expect(await resolveWorkdir(undefined, rules())).toBe(at('ok'))
    expect(await resolveWorkdir(at('alias/deep'), rules())).toBe(at('ok/deep'))
  })

  test('refuses what is no absolute, existing folder', async () => {
    for (const folder of ['', ' ', 'relative', './x', at('missing'), at('ok/file'), `${at('ok')}\0`])
      expect(await code(resolveWorkdir(folder, rules()))).toBe('invalid_workdir')
  })

  test('refuses the root unless the operator allows it', async () => {
    for (const root of ['/', '//', '/..'])
      expect(await code(resolveWorkdir(root, rules()))).toBe('workdir_refused')
    expect(await resolveWorkdir('/', rules(['/']))).toBe('/')
  })

  test('holds to the allowed folders by whole names, real paths and the default folder too', async () => {
    const allowed = rules([at('ok')])
    expect(await resolveWorkdir(at('ok/deep'), allowed)).toBe(at('ok/deep'))
    expect(await resolveWorkdir(at('ok/deep'), rules([at('alias')]))).toBe(at('ok/deep'))
    for (const folder of ['ok2', 'ok/../secret', 'ok/way-out', '.'])
      expect(await code(resolveWorkdir(at(folder), allowed))).toBe('workdir_refused')
    expect(await code(resolveWorkdir(undefined, rules([at('ok')], [], at('secret'))))).toBe('workdir_refused')
  })

  test('lets a blocked folder win over an allowed one, and does not tell what is in it', async () => {
    const both = rules([base], [at('secret')])
    for (const folder of [
      'secret',
      'secret/missing',
      'ok/way-out',
      'ok/way-out/missing',
      'ok/../secret/missing',
    ])
      expect(await code(resolveWorkdir(at(folder), both))).toBe('workdir_refused')
    expect(await resolveWorkdir(at('ok2'), both)).toBe(at('ok2'))
  })
})
