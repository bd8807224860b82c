/** `clinvk doctor --ask` with the real agents, against the mock provider. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { DoctorReport } from '../../src/commands/doctor/report.ts'
import { agentEnv } from '../agents/env.ts'
import { type MockProvider, startMockProvider } from '../support/mock-provider/index.ts'
import { createDesk, type Desk } from './cli.ts'

const AGENTS = ['claude', 'codex', 'gemini', 'opencode']

let desk: Desk
let provider: MockProvider
let env: Record<string, string>
beforeAll(async () => {
  desk = await createDesk()
  provider = await startMockProvider()
  env = await agentEnv(provider.url, desk, { geminiAttempts: 1 })
}, 600_000)
afterAll(async () => {
  await provider.stop()
  await desk.remove()
})

async function ask() {
  const { stdout, stderr, code } = await desk.run(['doctor', '--json', '--ask', '--port', '0'], env)
  const { checks }: DoctorReport = JSON.parse(stdout)
  const of = (part: string) => checks.filter((check) => check.part === part)
  return { of, stderr, code, stdout }
}

test('every agent is the tested one, is asked one thing that needs no tools, and answers', async () => {
  provider.play({ text: 'ready' })
  const { of, stderr, code } = await ask()
  expect(of('agent').map(({ backend, status, facts }) => [backend, status, facts?.['version_is']])).toEqual(
    AGENTS.map((name) => [name, 'ok', 'tested']),
  )
  expect(of('ask').map(({ backend, status, facts }) => [backend, status, facts?.['answer']])).toEqual(
    AGENTS.map((name) => [name, 'ok', 'ready']),
  )
  for (const { facts } of of('ask')) {
    expect(facts?.['first_text_ms']).toBeGreaterThan(0)
    expect(facts?.['model']).toBeString()
  }
  expect(stderr).toContain('costs a few tokens')
  expect(code).toBe(0)
  expect(provider.calls).toHaveLength(AGENTS.length)
  for (const call of provider.calls) {
    expect(call.prompt).toContain('single word "ready"')
    expect(call.tools).toEqual([])
  }
  expect(await readdir(join(desk.home, '.clinvk'))).toEqual([])
}, 300_000)

test('an agent whose provider refuses it has failed, with what to do, and its key is not told', async () => {
  provider.play({ status: 401, message: 'The key mock-key is wrong.' })
  const { of, code, stdout } = await ask()
  expect(of('ask').map(({ backend, status }) => [backend, status])).toEqual(
    AGENTS.map((name) => [name, 'fail']),
  )
  for (const { todo } of of('ask')) expect(todo).toMatch(/log in|login|key/i)
  expect(code).toBe(1)
  expect(stdout).not.toContain('mock-key')
}, 300_000)
