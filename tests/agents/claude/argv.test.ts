import { describe, expect, test } from 'bun:test'
import { claudeArgv, claudeEnv, initializeRequest } from '../../../src/agents/claude/argv.ts'
import type { SessionOptions } from '../../../src/agents/types.ts'
import { options } from './support.ts'

const argv = (more: Partial<SessionOptions>, extraFlags: string[] = [], tools?: string[]) =>
  claudeArgv({ command: ['claude'], extraFlags, tools }, options(more))

describe('the command line', () => {
  test('speaks stream-json both ways, asks on stdio, and starts nothing that outlives a turn', () => {
    expect(argv({})).toEqual([
      'claude',
      '-p',
      '--input-format=stream-json',
      '--output-format=stream-json',
      '--verbose',
      '--include-partial-messages',
      '--permission-prompt-tool=stdio',
      '--disallowedTools=Monitor,ScheduleWakeup,CronCreate',
    ])
  })

  test.each<[Partial<SessionOptions>, string[]]>([
    [{ model: 'haiku' }, ['--model=haiku']],
    [{ model: '--dangerously-skip-permissions' }, ['--model=--dangerously-skip-permissions']],
    [{ maxTurns: 3 }, ['--max-turns=3']],
    [{ resume: 'abc' }, ['--resume=abc']],
    [{ resume: 'abc', systemPrompt: 'x' }, ['--resume=abc', '--system-prompt-snapshot=off']],
    [{ ephemeral: true }, ['--no-session-persistence']],
    [{ approvalMode: 'auto' }, ['--permission-mode=acceptEdits']],
    [{ approvalMode: 'none' }, ['--permission-mode=default', '--settings={"useAutoModeDuringPlan":false}']],
    [{ sandboxMode: 'read-only' }, ['--strict-mcp-config']],
    [{ sandboxMode: 'workspace' }, ['--strict-mcp-config']],
    [{ sandboxMode: 'full' }, []],
    [{ systemPrompt: 'x', maxTokens: 5, approvalMode: 'always' }, []],
  ])('%j adds %j', (more, added) => {
    const plain = argv({})
    expect(argv(more).filter((flag) => !plain.includes(flag))).toEqual(added)
  })

  test('offers the tools it is given, none included', () => {
    expect(argv({}, [], ['Read', 'Glob'])).toContain('--tools=Read,Glob')
    expect(argv({}, [], [])).toContain('--tools=')
    expect(argv({}, [], ['Monitor', 'ScheduleWakeup', 'CronCreate']).join(' ')).not.toContain(
      '--disallowedTools',
    )
  })

  test("ends with the operator's flags and the caller's", () => {
    expect(argv({ extraFlags: ['--b'] }, ['--a']).slice(-2)).toEqual(['--a', '--b'])
  })
})

describe('the environment', () => {
  test('carries no marks of an agent around us and no work in the background', () => {
    expect(claudeEnv({ PATH: '/bin', CLAUDECODE: '1', CLAUDE_CODE_ENTRYPOINT: 'cli' }, options())).toEqual({
      PATH: '/bin',
      CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: '1',
      CLAUDE_CODE_DISABLE_CRON: '1',
    })
  })

  test('limits the length of an answer', () => {
    expect(claudeEnv({}, options({ maxTokens: 7 }))).toMatchObject({ CLAUDE_CODE_MAX_OUTPUT_TOKENS: '7' })
  })
})

test('a hook is asked for only where it has something to say', () => {
  expect(initializeRequest(options(), false)).toEqual({ subtype: 'initialize' })
  expect(initializeRequest(options(), true)).toMatchObject({
    hooks: { PreToolUse: [{ matcher: null, hookCallbackIds: ['tool'] }] },
  })
})
