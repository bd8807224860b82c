import { expect, test } from 'bun:test'
import { agentEnvironment } from '../../src/agents/environment.ts'

test('an agent gets the user’s environment without keys and switches of ours', () => {
  const parent = {
    PATH: '/bin',
    HOME: '/home/me',
    ANTHROPIC_API_KEY: 'theirs',
    CLINVK_API_KEYS: 'ours',
    CLINVK_HOME: '/home/me/.clinvk',
    BUN_BE_BUN: '1',
    npm_lifecycle_event: 'start',
    npm_config_registry: 'x',
    GONE: undefined,
  }
  expect(agentEnvironment(parent, { EXTRA: '1', HOME: '/elsewhere' })).toEqual({
    PATH: '/bin',
    HOME: '/elsewhere',
    ANTHROPIC_API_KEY: 'theirs',
    npm_config_registry: 'x',
    EXTRA: '1',
  })
})
