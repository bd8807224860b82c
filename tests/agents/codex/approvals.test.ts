import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { answerRequest, isInside } from '../../../src/agents/codex/approvals.ts'
import type { ApprovalMode, SandboxMode } from '../../../src/agents/types.ts'
import { drive, never, options, take } from './support.ts'

let root: string
let workdir: string

beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'clinvk-approvals-')))
  workdir = join(root, 'work')
  mkdirSync(join(workdir, 'sub'), { recursive: true })
  symlinkSync(root, join(workdir, 'out'))
  symlinkSync(join(root, 'nowhere'), join(workdir, 'dangling'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

describe('isInside', () => {
  test.each([
    ['sub/new.txt', true],
    ['not/yet/there', true],
    ['..data', true],
    ['.', true],
    ['../work/x', true],
    ['../x', false],
    ['/etc/passwd', false],
    ['out/x', false],
    ['dangling', false],
  ])('%s: %p', async (path, expected) => {
    expect(await isInside(workdir, path)).toBe(expected)
  })
})

describe('answerRequest', () => {
  const COMMAND = 'item/commandExecution/requestApproval'
  const CHANGE = 'item/fileChange/requestApproval'
  const MCP = 'mcpServer/elicitation/request'
  const tool = { serverName: 'docs', _meta: { codex_approval_kind: 'mcp_tool_call', tool_name: 'put' } }
  const reader = { ...tool, _meta: { ...tool._meta, tool_annotations: { readOnlyHint: true } } }
  const wider = { additionalPermissions: { network: {} } }

  const decide = async (
    method: string,
    params: Record<string, unknown>,
    approvalMode: ApprovalMode,
    sandboxMode: SandboxMode,
    path = 'a.txt',
  ) => {
    const changes = () => [{ path: join(workdir, path), kind: { type: 'add' } }]
    const answer = await answerRequest(method, params, { approvalMode, sandboxMode, workdir }, changes)
    const { decision, action } = answer.result
    // What is shown is what was answered.
    expect(answer.event?.decision).toBe(decision === 'accept' || action === 'accept' ? 'allowed' : 'denied')
    return decision ?? action
  }

  test.each([
    ['a command', COMMAND, {}, 'default', 'default', 'decline'],
    ['a command', COMMAND, {}, 'auto', 'workspace', 'decline'],
    ['a command', COMMAND, {}, 'always', 'full', 'decline'],
    ['a command', COMMAND, {}, 'none', 'default', 'accept'],
    ['a command', COMMAND, {}, 'none', 'read-only', 'accept'],
    ['a command with wider rights', COMMAND, wider, 'none', 'full', 'accept'],
    ['a command with wider rights', COMMAND, wider, 'none', 'workspace', 'decline'],
    ['a command with wider rights', COMMAND, wider, 'none', 'read-only', 'decline'],
    ['a tool', MCP, tool, 'default', 'full', 'decline'],
    ['a tool', MCP, tool, 'auto', 'full', 'decline'],
    ['a tool', MCP, tool, 'none', 'workspace', 'accept'],
    ['a tool', MCP, tool, 'none', 'read-only', 'decline'],
    ['a reading tool', MCP, reader, 'none', 'read-only', 'accept'],
    ['a reading tool', MCP, reader, 'always', 'read-only', 'decline'],
    ['a question to the user', MCP, { serverName: 'docs' }, 'none', 'full', 'decline'],
  ] as const)(
    '%s (%s %j) by approval %s in sandbox %s: %s',
    async (_what, method, params, approval, sandbox, expected) => {
      expect(await decide(method, params, approval, sandbox)).toBe(expected)
    },
  )

  test.each([
    ['default', 'default', 'a.txt', 'decline'],
    ['always', 'full', 'a.txt', 'decline'],
    ['auto', 'default', 'a.txt', 'accept'],
    ['auto', 'workspace', 'a.txt', 'accept'],
    ['auto', 'read-only', 'a.txt', 'decline'],
    ['auto', 'default', '../a.txt', 'decline'],
    ['auto', 'full', 'out/a.txt', 'decline'],
    ['none', 'default', '../a.txt', 'accept'],
    ['none', 'full', '../a.txt', 'accept'],
    ['none', 'workspace', 'a.txt', 'accept'],
    ['none', 'workspace', '../a.txt', 'decline'],
    ['none', 'read-only', 'a.txt', 'decline'],
  ] as const)(
    'a file change by approval %s in sandbox %s of %s: %s',
    async (approval, sandbox, path, expected) => {
      expect(await decide(CHANGE, { itemId: 'i' }, approval, sandbox, path)).toBe(expected)
    },
  )

  test('a file change whose paths are unknown, or that asks for a whole folder, is no edit of the workdir', async () => {
    const rules = { approvalMode: 'auto', sandboxMode: 'default', workdir } as const
    expect((await answerRequest(CHANGE, {}, rules)).result).toEqual({ decision: 'decline' })
    const inside = () => [{ path: join(workdir, 'a') }]
    expect((await answerRequest(CHANGE, { grantRoot: workdir }, rules, inside)).result).toEqual({
      decision: 'decline',
    })
    const moved = () => [{ path: join(workdir, 'a'), kind: { type: 'update', move_path: '/etc/a' } }]
    expect((await answerRequest(CHANGE, {}, rules, moved)).result).toEqual({ decision: 'decline' })
  })

  test('wider permissions are granted as asked, or not at all', async () => {
    const params = { permissions: { network: { enabled: true }, fileSystem: null } }
    const ask = async (approvalMode: ApprovalMode, sandboxMode: SandboxMode) =>
      (
        await answerRequest('item/permissions/requestApproval', params, {
          approvalMode,
          sandboxMode,
          workdir,
        })
      ).result
    expect(await ask('none', 'full')).toEqual({ permissions: { network: { enabled: true } }, scope: 'turn' })
    expect(await ask('none', 'workspace')).toEqual({ permissions: {}, scope: 'turn' })
    expect(await ask('auto', 'full')).toEqual({ permissions: {}, scope: 'turn' })
  })

  test('a refusal names the mode that would allow it, and what Codex asked', async () => {
    const rules = { approvalMode: 'default', sandboxMode: 'default', workdir } as const
    expect((await answerRequest(COMMAND, { itemId: 'i', reason: 'May I?' }, rules)).event).toEqual({
      type: 'approval',
      toolId: 'i',
      tool: 'shell',
      decision: 'denied',
      reason: 'Nobody can be asked for approval. approval_mode "none" would allow it. Codex asked: May I?',
    })
    expect((await answerRequest(CHANGE, {}, { ...rules, sandboxMode: 'read-only' })).event?.reason).toBe(
      'sandbox_mode "read-only" forbids it.',
    )
    expect((await answerRequest(CHANGE, {}, rules)).event?.reason).toContain('"auto"')
  })

  test('a question is answered with nothing, and an unknown request with an error', async () => {
    const rules = { approvalMode: 'none', sandboxMode: 'full', workdir } as const
    expect((await answerRequest('item/tool/requestUserInput', {}, rules)).result).toEqual({ answers: {} })
    expect((await answerRequest('item/tool/call', {}, rules)).result['success']).toBe(false)
    expect(answerRequest('attestation/generate', {}, rules)).rejects.toMatchObject({ code: -32601 })
  })
})

describe('a turn that asks', () => {
  const ask = {
    ask: 'item/commandExecution/requestApproval',
    params: { itemId: 'i', command: 'ls' },
  } as const

  test.each([
    ['default', 'denied', 'decline'],
    ['auto', 'denied', 'decline'],
    ['always', 'denied', 'decline'],
    ['none', 'allowed', 'accept'],
  ] as const)('is answered by approval mode %s and shows it', async (approvalMode, decision, answer) => {
    await using fake = drive()
    const session = await fake.driver.open(options({ approvalMode }), never)
    const events = await take(session, [ask])
    expect(events.find(({ type }) => type === 'approval')).toMatchObject({
      toolId: 'i',
      tool: 'shell',
      decision,
    })
    expect(events).toContainEqual({
      type: 'text',
      text: JSON.stringify({ decision: answer }),
      part: expect.any(String),
    })
    expect(events.at(-1)?.type).toBe('done')
  })

  test('judges a file change by what was announced', async () => {
    await using fake = drive()
    const session = await fake.driver.open(options({ approvalMode: 'auto', workdir }), never)
    const patch = (id: string, path: string) => [
      { send: 'item/started', params: { item: { type: 'fileChange', id, changes: [{ path }] } } },
      { ask: 'item/fileChange/requestApproval', params: { itemId: id } },
    ]
    const events = await take(session, [...patch('f1', join(workdir, 'a')), ...patch('f2', join(root, 'a'))])
    expect(events.flatMap((event) => (event.type === 'approval' ? [event.decision] : []))).toEqual([
      'allowed',
      'denied',
    ])
  })

  test('for an agent that it started is judged by its own rules', async () => {
    await using fake = drive()
    const session = await fake.driver.open(options({ approvalMode: 'none' }), never)
    const child = { id: 't-child', parentThreadId: 't1' }
    const events = await take(session, [
      { send: 'thread/started', params: { threadId: 't-child', thread: child } },
      { ask: ask.ask, params: { ...ask.params, threadId: 't-child' } },
      { ask: ask.ask, params: { ...ask.params, threadId: 't-stranger' } },
    ])
    expect(events.flatMap((event) => (event.type === 'text' ? [event.text] : []))).toEqual([
      '{"decision":"accept"}',
      '{"decision":"decline"}',
    ])
  })
})
