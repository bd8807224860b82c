import { describe, expect, test } from 'bun:test'
import {
  appServerArgv,
  mayMention,
  settleOptions,
  threadParams,
  turnParams,
} from '../../../src/agents/codex/options.ts'
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

/** What a mere model call may do. */
const nothing = { approvalPolicy: 'never', approvalsReviewer: 'user', sandbox: 'read-only' } as const

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
        config: { a: 1 },
        ephemeral: true,
      },
    ],
    [
      { workdir: '/w', profile: 'project', systemPrompt: 's' },
      { cwd: '/w', developerInstructions: 's', config: { a: 1 }, ephemeral: true },
    ],
    [
      { workdir: '/w', profile: 'pure' },
      { cwd: '/w', baseInstructions: '', ...nothing, config: { a: 1 }, ephemeral: true, environments: [] },
    ],
    [
      { workdir: '/w', profile: 'pure', systemPrompt: 's', resume: 't1', approvalMode: 'none' },
      {
        cwd: '/w',
        baseInstructions: '',
        developerInstructions: 's',
        ...nothing,
        config: { a: 1 },
        threadId: 't1',
        excludeTurns: true,
      },
    ],
  ] as const)('%j', (more, expected) => {
    const config = 'config' in expected ? { a: 1 } : undefined
    expect(threadParams(settleOptions(options(more)), config)).toEqual(expected)
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

  test('the effort goes along, and a mere model call has no place to work in', () => {
    expect(turnParams('t1', options(), [], 'high')).toEqual({ threadId: 't1', input: [], effort: 'high' })
    const pure = settleOptions(options({ profile: 'pure', sandboxMode: 'full' }))
    expect(turnParams('t1', pure, [])).toEqual({
      threadId: 't1',
      input: [],
      sandboxPolicy: { type: 'readOnly', networkAccess: false },
      environments: [],
    })
  })
})

test('a mere model call is not kept, and nothing is allowed to it', () => {
  const asked = options({ profile: 'pure', approvalMode: 'none', sandboxMode: 'full', ephemeral: false })
  expect(settleOptions(asked)).toMatchObject({
    approvalMode: 'default',
    sandboxMode: 'read-only',
    ephemeral: true,
  })
  const project = options({ profile: 'project', approvalMode: 'none' })
  expect(settleOptions(project)).toEqual(project)
})

test.each([
  ['plain /help !ls', false],
  ['costs $5', true],
  ['[@a](plugin://a)', true],
])('%s may mention something: %p', (text, expected) => {
  expect(mayMention([{ type: 'text', text }])).toBe(expected)
})
