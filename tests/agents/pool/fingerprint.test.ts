import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFingerprints } from '../../../src/agents/pool/fingerprint.ts'
import { programFiles } from '../../../src/agents/pool/program.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'clinvk-print-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('the fingerprint of a file', () => {
  test('changes with the file that a link leads to, its time, its size and its being there', async () => {
    const [path, one, two] = [join(folder, 'program'), join(folder, '1'), join(folder, '2')]
    const prints = createFingerprints()
    const seen = [await prints.of([path])]
    const look = async () => seen.push(await prints.of([path]))
    mkdirSync(one)
    mkdirSync(two)
    for (const version of [one, two]) {
      writeFileSync(join(version, 'run'), 'x')
      utimesSync(join(version, 'run'), 1, 1)
    }
    symlinkSync(one, join(folder, 'current'))
    symlinkSync(join(folder, 'current', 'run'), path)
    await look()
    await look()
    symlinkSync(two, join(folder, 'next'))
    renameSync(join(folder, 'next'), join(folder, 'current'))
    await look()
    utimesSync(join(two, 'run'), 2, 2)
    await look()
    writeFileSync(join(two, 'run'), 'xy')
    await look()
    expect(seen[2]).toBe(seen[1] ?? '')
    expect(new Set(seen).size).toBe(5)
  })

  test('with an essence changes with that alone', async () => {
    const path = join(folder, 'settings.json')
    const essence = (text: string) => JSON.parse(text).model
    const prints = createFingerprints()
    const print = async (text: string) => {
      writeFileSync(path, text)
      return prints.of([{ path, essence }])
    }
    const first = await print('{"model":"a"}')
    expect(await print('{"seen":1, "model":"a"}')).toBe(first)
    expect(await print('{"model":"b"}')).not.toBe(first)
    const broken = await print('{')
    expect(broken).not.toBe(first)
    expect(await print('{{')).not.toBe(broken)
    expect(await print('{}')).not.toBe(await prints.of([{ path: join(folder, 'none'), essence }]))
  })

  test('with an essence is read again only when its metadata has changed', async () => {
    const path = join(folder, 'read')
    let reads = 0
    const essence = (text: string) => {
      reads += 1
      return text
    }
    const prints = createFingerprints()
    writeFileSync(path, '1')
    for (let count = 0; count < 3; count += 1) await prints.of([{ path, essence }])
    expect(reads).toBe(1)
    writeFileSync(path, '12')
    await prints.of([{ path, essence }])
    expect(reads).toBe(2)
  })
})

test('the files of a program are itself, as it is found, and the script that it is given', () => {
  const env = { PATH: '/bin:/usr/bin' }
  expect(programFiles(['sh', '/opt/agent.js', '/var/log/x'], env)).toEqual([
    Bun.which('sh', { PATH: env.PATH }) ?? '',
    '/opt/agent.js',
  ])
  expect(programFiles(['no-such-agent', 'acp'], env)).toEqual(['no-such-agent'])
})
