import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makePrivateHome } from '../../../src/agents/codex/private-home.ts'

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'clinvk-homes-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

/** A user's home for Codex with these files, and an empty folder. */
async function prepare(name: string, files: Readonly<Record<string, string>>) {
  const own = join(root, name, '.codex')
  const folder = join(root, name, 'folder')
  await Promise.all([own, folder].map((path) => mkdir(path, { recursive: true })))
  await Promise.all(Object.entries(files).map(([file, text]) => writeFile(join(own, file), text)))
  return { own, folder }
}

test('has the login and the configuration, and not what the user says', async () => {
  const { own, folder } = await prepare('all', {
    'AGENTS.md': 'be brief',
    'auth.json': 'old',
    'config.toml': '',
    'state_5.sqlite': '',
    'state_5.sqlite-wal': '',
    'history.jsonl': '',
    'company.pem': '',
  })
  await mkdir(join(own, 'sessions'))
  const home = (await makePrivateHome(folder, { HOME: join(root, 'all') })) ?? ''
  expect((await readdir(home)).sort()).toEqual(['auth.json', 'auth.lock', 'company.pem', 'config.toml'])
  await writeFile(join(home, 'auth.json'), 'renewed')
  await writeFile(join(home, 'auth.lock'), 'held')
  expect(await readFile(join(own, 'auth.json'), 'utf8')).toBe('renewed')
  expect(await readFile(join(own, 'auth.lock'), 'utf8')).toBe('held')
})

test.each([
  ['none', {}],
  ['empty ones', { 'AGENTS.md': '', 'AGENTS.override.md': '' }],
])('is not made where the user has no instructions, with %s', async (name, files) => {
  const { own, folder } = await prepare(name, { ...files, 'auth.json': '' })
  expect(await makePrivateHome(folder, { CODEX_HOME: own })).toBeUndefined()
  expect(await makePrivateHome(folder, { CODEX_HOME: join(own, 'nowhere') })).toBeUndefined()
  expect(await readdir(folder)).toEqual([])
})
