import { afterAll, beforeAll, expect, test } from 'bun:test'
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { nativeCommand } from '../../../src/agents/codex/launcher.ts'

let root: string
beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'clinvk-launcher-')))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const PLATFORM = `codex-${process.platform}-${process.arch}`

const write = (path: string, text: string, mode = 0o644) => {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
  chmodSync(path, mode)
}

/** Installs Codex as a package manager does, and gives the folder with its command. */
function install(
  name: string,
  { platformHome = `../${PLATFORM}`, version = '1.0.0', mode = 0o755, described = true } = {},
) {
  const scope = join(root, name, 'node_modules', '@openai')
  const script = join(scope, 'codex', 'bin', 'codex.js')
  write(join(scope, 'codex', 'package.json'), '{"version":"1.0.0"}')
  write(script, '#!/usr/bin/env node\n', 0o755)
  const home = join(scope, 'codex', platformHome)
  const vendor = join(home, 'vendor', 'some-target')
  write(join(home, 'package.json'), JSON.stringify({ version: `${version}-${process.platform}` }))
  if (described) write(join(vendor, 'codex-package.json'), '{}')
  write(join(vendor, 'bin', 'codex'), 'native', mode)
  const bin = join(root, name, 'node_modules', '.bin')
  mkdirSync(bin, { recursive: true })
  symlinkSync(script, join(bin, 'codex'))
  return { bin, native: join(vendor, 'bin', 'codex') }
}

test.each([
  ['beside', {}],
  ['inside', { platformHome: `node_modules/@openai/${PLATFORM}` }],
])('the native program %s the launcher is taken, its arguments kept', async (name, layout) => {
  const { bin, native } = install(name, layout)
  expect(await nativeCommand(['codex', '--x'], { PATH: bin })).toEqual([realpathSync(native), '--x'])
})

test.each([
  ['of another version', { version: '2.0.0' }],
  ['that cannot be run', { mode: 0o644 }],
  ['of an older layout', { described: false }],
])('a native program %s is left alone', async (name, layout) => {
  const { bin } = install(name.replaceAll(' ', '-'), layout)
  expect(await nativeCommand(['codex'], { PATH: bin })).toEqual(['codex'])
})

test('any other program is run as it was given', async () => {
  write(join(root, 'own', 'codex'), '#!/bin/sh\n', 0o755)
  expect(await nativeCommand(['codex', 'a'], { PATH: join(root, 'own') })).toEqual(['codex', 'a'])
  expect(await nativeCommand(['codex-nowhere'], { PATH: root })).toEqual(['codex-nowhere'])
  expect(await nativeCommand([], {})).toEqual([])
})
