/** A fresh clone, as the README starts it, in an empty home. What it needs comes from npm as this machine knows it. */
import { describe, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { chmod, cp, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createMachine } from './machine.ts'
import { BANNER, newcomer, triesAnAgent, triesTheCommands, triesTheServer } from './newcomer.ts'

const ROOT = join(import.meta.dir, '../..')

describe.each([
  ['npm start, with only Node', ['node', 'npm'], 'npm start', 'npm run --silent clinvk --'],
  ['bun run start, with only Bun', ['bun'], 'bun run start', 'bun run --silent clinvk'],
])('%s', (_, programs, serve, clinvk) => {
  const user = newcomer({
    programs,
    serve,
    env: networkSettings,
    async prepare({ folder }, window) {
      await cloneInto(folder)
      await window.type(serve, BANNER)
      await window.interrupt()
    },
  })
  triesTheServer(user)
  triesTheCommands(user, clinvk)
  triesAnAgent(user)

  test('only what is needed to run was installed', () => {
    const has = (name: string) => existsSync(join(user.machine().folder, 'node_modules', name))
    expect([has('elysia'), has('@biomejs/biome')]).toEqual([true, false])
  })
})

test('where there is neither npm nor a Bun that is new enough, it says what to do', async () => {
  const machine = await createMachine(['node'])
  try {
    const old = join(machine.home, 'bun')
    await writeFile(old, '#!/bin/sh\necho 1.2.20 /of/old/bun\n')
    await chmod(old, 0o755)
    await machine.add('bun', old)
    const window = await machine.open()
    const { text, code } = await window.run(`node '${ROOT}/src/bootstrap.mjs' src/main.ts version`)
    await window.close()
    expect(text).toContain('npm, and the network once. Or put Bun 1.4.5 or newer on the PATH (bun upgrade).')
    expect(code).toBe(1)
  } finally {
    await machine.remove()
  }
})

/** A clone of what is committed, and then what is not yet; a copy where the sources are no clone themselves. */
async function cloneInto(folder: string): Promise<void> {
  const git = async (...words: string[]) => {
    const child = Bun.spawn({ cmd: ['git', '-C', ROOT, ...words], stdout: 'pipe', stderr: 'ignore' })
    const [text, code] = await Promise.all([child.stdout.text(), child.exited])
    return code === 0 ? text : undefined
  }
  if ((await git('rev-parse', '--show-cdup').catch(() => undefined)) !== '\n') {
    const isOurs = (path: string) =>
      !['node_modules', 'dist', '.git'].includes(path.slice(path.lastIndexOf('/') + 1))
    await cp(ROOT, folder, { recursive: true, filter: isOurs })
    return
  }
  expect(await git('clone', '--quiet', '.', folder)).toBe('')
  const changed = await git('ls-files', '-z', '--modified', '--others', '--exclude-standard', '--deduplicate')
  for (const path of (changed ?? '').split('\0').filter((name) => name !== '')) {
    if (existsSync(join(ROOT, path))) await cp(join(ROOT, path), join(folder, path))
    else await rm(join(folder, path))
  }
}

/** How this machine reaches the registry, and nothing else of its settings. */
function networkSettings(): Record<string, string> {
  const wanted =
    /^(npm_config_(registry|userconfig|globalconfig|cafile|ca|strict_ssl)|(https?|no)_proxy|NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR))$/i
  const found = Object.entries(process.env).filter(([name]) => wanted.test(name)) as [string, string][]
  return { npm_config_userconfig: join(homedir(), '.npmrc'), ...Object.fromEntries(found) }
}
