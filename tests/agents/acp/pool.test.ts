import { describe, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { geminiFiles, opencodeFiles } from '../../../src/agents/acp/startup-files.ts'
import { createFingerprints } from '../../../src/agents/pool/fingerprint.ts'
import type { WatchedFile } from '../../../src/agents/pool/types.ts'
import { rig, turn } from './support.ts'

describe('the processes of an agent', () => {
  test('are had as they are, and counted', async () => {
    await using agent = rig({ turns: [[{ say: 'x' }]] })
    const [first, second] = [await agent.open(), await agent.open()]
    expect([first.start, second.start]).toEqual(['cold', 'spare'])
    await turn(first)
    expect(agent.driver.pool?.stats()).toMatchObject({
      processes: [{ pid: agent.pids()[0], state: 'idle', sessions: 2, turns: 1 }],
      opened: { cold: 1, spare: 1 },
    })
  })

  test('are left for a new one when what they were started with has changed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'clinvk-acp-pool-'))
    const path = join(folder, 'settings')
    await using agent = rig({}, { startupFiles: () => [path] })
    const open = async () => (await agent.open()).start
    const first = await agent.open()
    expect([first.start, await open(), first.worn]).toEqual(['cold', 'spare', false])
    writeFileSync(path, 'new')
    expect([await open(), first.worn]).toEqual(['cold', true])
    rmSync(folder, { recursive: true })
  })
})

describe('what an agent reads when it starts', () => {
  /** Whether the files are another thing after each of these was written. */
  async function changes(
    files: (env: Record<string, string>) => readonly WatchedFile[],
    written: readonly (readonly [path: string, text: string])[],
  ): Promise<readonly boolean[]> {
    const home = mkdtempSync(join(tmpdir(), 'clinvk-home-'))
    const prints = createFingerprints()
    const found: boolean[] = []
    try {
      let before = await prints.of(files({ HOME: home }))
      for (const [path, text] of written) {
        mkdirSync(dirname(join(home, path)), { recursive: true })
        writeFileSync(join(home, path), text)
        const now = await prints.of(files({ HOME: home }))
        found.push(now !== before)
        before = now
      }
      return found
    } finally {
      rmSync(home, { recursive: true })
    }
  }

  test('are Gemini’s settings and whose login it is, not the tokens that it renews', async () => {
    expect(
      await changes(geminiFiles, [
        ['.gemini/settings.json', '{"general":{"maxAttempts":2}}'],
        ['.gemini/settings.json', '{\n  "general": { "maxAttempts": 2 } // as before\n}'],
        ['.gemini/settings.json', '{"general":{"maxAttempts":3}}'],
        ['.gemini/oauth_creds.json', '{"refresh_token":"r","access_token":"1","expiry_date":1}'],
        ['.gemini/oauth_creds.json', '{"refresh_token":"r","access_token":"2","expiry_date":2}'],
        ['.gemini/oauth_creds.json', '{"refresh_token":"other","access_token":"2","expiry_date":2}'],
        ['.gemini/.env', 'GEMINI_API_KEY=k'],
        ['.gemini/projects.json', '{}'],
      ]),
    ).toEqual([true, false, true, true, false, true, true, false])
  })

  test('are OpenCode’s settings and its logins, not the tokens that it renews', async () => {
    const login = (access: string, key: string) =>
      JSON.stringify({
        a: { type: 'oauth', access, refresh: access, expires: Number(access) },
        b: { type: 'api', key },
      })
    expect(
      await changes(opencodeFiles, [
        ['.config/opencode/opencode.json', '{"model":"m"}'],
        ['.config/opencode/opencode.json', '{"$schema":"https://opencode.ai/config.json","model":"m"}'],
        ['.config/opencode/opencode.jsonc', '{"model":"n"} // mine'],
        ['.local/share/opencode/auth.json', login('1', 'k')],
        ['.local/share/opencode/auth.json', login('2', 'k')],
        ['.local/share/opencode/auth.json', login('2', 'other')],
      ]),
    ).toEqual([true, false, true, true, false, true])
  })
})
