/** clinvk from npm, in the words that a new user types in an empty folder of an empty home. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { chmod, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { packageName } from '../../packaging/manifests.ts'
import { thisTarget } from '../../packaging/targets.ts'
import { createMachine, type Machine } from './machine.ts'
import {
  BANNER,
  LONG_MS,
  newcomer,
  triesAnAgent,
  triesTheCommands,
  triesTheServer,
  type Way,
} from './newcomer.ts'
import { type Registry, startRegistry } from './registry.ts'

const NPX = ['node', 'npm', 'npx']
const BUNX = ['bun', 'bunx']

/** For tests of one `describe`: a user whose registry has clinvk. */
function npmUser(way: Way) {
  let registry: Registry
  beforeAll(async () => {
    registry = await startRegistry()
  }, LONG_MS)
  afterAll(() => registry.stop())
  const user = newcomer({
    ...way,
    env: (home) => ({ npm_config_registry: registry.url, npm_config_prefix: join(home, '.local') }),
  })
  return { ...user, registry: () => registry }
}

describe.each([
  ['npx, with only Node', 'npx clinvk', NPX, /Ok to proceed\? \(y\) /],
  ['bunx, with only Bun', 'bunx clinvk', BUNX, undefined],
])('%s', (_, clinvk, programs, question) => {
  const user = npmUser({
    programs,
    serve: `${clinvk} serve`,
    async prepare(_machine, window) {
      if (question) await window.type(`${clinvk} serve`, question)
      await window.type(question ? 'y' : `${clinvk} serve`, BANNER)
      await window.interrupt()
    },
  })
  triesTheServer(user)
  triesTheCommands(user, clinvk)
  triesAnAgent(user)

  test('nothing was fetched but what fits, once, and the folder is still empty', async () => {
    expect(user.registry().fetched()).toEqual(['clinvk', packageName(thisTarget())])
    expect(await readdir(user.machine().folder)).toEqual([])
  })
})

describe.each([
  ['npm install -g, with only Node', 'npm install -g clinvk', NPX, 'clinvk'],
  ['bun add -g, with Bun and Node', 'bun add -g clinvk', ['node', ...BUNX], 'clinvk'],
  // The programs of packages begin with Node's name. bunx knows that it is meant.
  ['bun add -g, with only Bun', 'bun add -g clinvk', BUNX, 'bunx clinvk'],
])('%s', (_, install, programs, clinvk) => {
  const user = npmUser({
    programs,
    serve: `${clinvk} serve`,
    async prepare(_machine, window) {
      expect(await window.run(install)).toMatchObject({ code: 0 })
      expect(user.registry().fetched()).toEqual(['clinvk', packageName(thisTarget())])
      // What is installed starts without it.
      await user.registry().stop()
    },
  })
  triesTheServer(user)
})

describe('where nothing fits', () => {
  let registry: Registry
  let machine: Machine
  beforeAll(async () => {
    registry = await startRegistry({ withExecutable: false })
    machine = await createMachine(NPX, () => ({ npm_config_registry: registry.url }))
  }, LONG_MS)
  afterAll(async () => {
    await registry.stop()
    await machine.remove()
  })
  const tried = async () => {
    const window = await machine.open()
    const { text, code } = await window.run('npx --yes clinvk serve')
    await window.close()
    return { text, code }
  }
  const SENTENCE = /^clinvk: There is no clinvk for \w+ on \w+ here: install Bun 1\.4\.5 or newer .*\n$/

  test(
    'one sentence says what to do',
    async () => {
      expect(await tried()).toEqual({ text: expect.stringMatching(SENTENCE), code: 1 })
    },
    LONG_MS,
  )

  test(
    'a Bun that is too old is no help, and a newer one is',
    async () => {
      const bun = join(machine.home, 'bun')
      const says = async (version: string) => {
        await writeFile(bun, `#!/bin/sh\n[ "$1" = --version ] && echo ${version} || echo "runs $4 $5"\n`)
        await chmod(bun, 0o755)
      }
      await says('1.4.4')
      await machine.add('bun', bun)
      expect(await tried()).toEqual({ text: expect.stringMatching(SENTENCE), code: 1 })
      await says('1.10.0')
      expect(await tried()).toEqual({ text: expect.stringMatching(/^runs .*\/main\.js serve\n$/), code: 0 })
    },
    LONG_MS,
  )
})
