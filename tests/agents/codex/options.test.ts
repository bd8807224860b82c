import { describe, expect, test } from 'bun:test'
import { appServerArgv, mayMention, threadParams, turnParams } from '../../../src/agents/codex/options.ts'
import { options } from './support.ts'

const granular = {
  granular: {
    sandbox_approval: false,
    request_permissions: false,
    rules: true,
    skill_approval: true,
    mcp_elicitations: true,
  },
}

test('flags come where Codex refuses those that it would ignore', () => {
  expect(appServerArgv(['codex', '--x'], ['-c', 'a=1'])).toEqual([
    'codex',
    '--x',
    'app-server',
    '-c',
    'thread_unload_delay_secs=0',
    '-c',
    'a=1',
  ])
})

describe('threadParams', () => {
  test.each([
    [{ workdir: '/w' }, { cwd: '/w', ephemeral: true }],
    [
      { workdir: '/w', model: 'm', systemPrompt: 's', ephemeral: false },
      { cwd: '/w', model: 'm', developerInstructions: 's', ephemeral: false },
    ],
    [
      { workdir: '/w', resume: 't1' },
      { cwd: '/w', threadId: 't1', excludeTurns: true },
    ],
    [
      { workdir: '/w', approvalMode: 'auto' },
      { cwd: '/w', approvalPolicy: 'on-request', approvalsReviewer: 'user', ephemeral: true },
    ],
    [
      { workdir: '/w', approvalMode: 'none' },
      { cwd: '/w', approvalPolicy: 'on-request', approvalsReviewer: 'user', ephemeral: true },
    ],
    [
      { workdir: '/w', approvalMode: 'none', sandboxMode: 'workspace' },
      {
        cwd: '/w',
        approvalPolicy: granular,
        approvalsReviewer: 'user',
        sandbox: 'read-only',
        ephemeral: true,
      },
    ],
    [
      { workdir: '/w', approvalMode: 'none', sandboxMode: 'full' },
      {
        cwd: '/w',
        approvalPolicy: 'on-request',
        approvalsReviewer: 'user',
        sandbox: 'read-only',
        ephemeral: true,
      },
    ],
    [
      { workdir: '/w', approvalMode: 'always' },
      {
        cwd: '/w',
        approvalPolicy: 'untrusted',
        approvalsReviewer: 'user',
        config: { web_search: 'disabled', 'mcp_servers.a.default_tools_approval_mode': 'prompt' },
        ephemeral: true,
      },
    ],
  ] as const)('%j', (more, expected) => {
    expect(threadParams(options(more), ['a'])).toEqual(expected)
  })
})

describe('turnParams', () => {
  test.each([
    ['default', undefined],
    ['read-only', 'readOnly'],
    ['workspace', 'workspaceWrite'],
    ['full', 'dangerFullAccess'],
  ] as const)('the sandbox %s is %p', (sandboxMode, type) => {
    const params = turnParams('t1', options({ sandboxMode }), [])
    expect((params['sandboxPolicy'] as { type?: string } | undefined)?.type).toBe(type)
    expect(params).toMatchObject({ threadId: 't1', input: [] })
  })
})

test.each([
  ['plain /help !ls', false],
  ['costs $5', true],
  ['[@a](plugin://a)', true],
])('%s may mention something: %p', (text, expected) => {
  expect(mayMention([{ type: 'text', text }])).toBe(expected)
})
