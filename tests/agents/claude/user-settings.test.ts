import { expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readUserSettings } from '../../../src/agents/claude/user-settings.ts'

test('of the user’s settings only what leads to the provider is kept', async () => {
  const home = await mkdtemp(join(tmpdir(), 'clinvk-claude-'))
  try {
    const settings = {
      apiKeyHelper: 'print-key',
      hooks: { Stop: [] },
      model: 'opus',
      permissions: { allow: ['Bash'] },
      env: {
        CLAUDE_CODE_USE_BEDROCK: '1',
        AWS_REGION: 'eu-1',
        HTTPS_PROXY: 'http://p',
        FOO: 'x',
        AWS_PORT: 7,
      },
    }
    await Bun.write(join(home, '.claude', 'settings.json'), JSON.stringify(settings))
    expect(await readUserSettings({ HOME: home })).toEqual({
      settings: { apiKeyHelper: 'print-key' },
      env: { CLAUDE_CODE_USE_BEDROCK: '1', AWS_REGION: 'eu-1', HTTPS_PROXY: 'http://p' },
      instructions: [join(home, '.claude', 'CLAUDE.md'), join(home, '.claude', 'rules', '**')],
    })
    const elsewhere = join(home, 'elsewhere')
    await Bun.write(join(elsewhere, 'settings.json'), '{ not json')
    expect(await readUserSettings({ HOME: home, CLAUDE_CONFIG_DIR: elsewhere })).toEqual({
      settings: {},
      env: {},
      instructions: [join(elsewhere, 'CLAUDE.md'), join(elsewhere, 'rules', '**')],
    })
  } finally {
    await rm(home, { recursive: true })
  }
})
