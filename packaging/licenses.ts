import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import manifest from '../package.json' with { type: 'json' }

const MODULES = join(import.meta.dir, '../node_modules')

/** The notices of everything that may be in the bundle: what we depend on, and what that depends on. */
export async function thirdPartyNotices(): Promise<string> {
  const notices: string[] = []
  for (const name of await closure(Object.keys(manifest.dependencies))) {
    const folder = join(MODULES, name)
    const { version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
    const files = (await readdir(folder)).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file)).sort()
    const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')))
    notices.push([`${name} ${version} (${license})`, ...texts.map((text) => text.trim())].join('\n\n'))
  }
  return `${notices.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`
}

async function closure(names: readonly string[]): Promise<string[]> {
  const found = new Set<string>()
  const waiting = [...names]
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const path = join(MODULES, name, 'package.json')
    if (found.has(name) || !existsSync(path)) continue
    found.add(name)
    waiting.push(...Object.keys(JSON.parse(await readFile(path, 'utf8')).dependencies ?? {}))
  }
  return [...found].sort()
}
