import { describe, expect, test } from 'bun:test'
import { claudeArgv, claudeEnv, initializeRequest } from '../../../src/agents/claude/argv.ts'
import type { UserSettings } from '../../../src/agents/claude/user-settings.ts'
import type { SessionOptions } from '../../../src/agents/types.ts'
import { options } from './support.ts'

const argv = (
  more: Partial<SessionOptions>,
  extraFlags: string[] = [],
  tools?: string[],
  kept?: UserSettings,
) => claudeArgv({ command: ['claude'], extraFlags, tools, user: kept }, options(more))

const user: UserSettings = {
  settings: { apiKeyHelper: 'print-key' },
  env: { ANTHROPIC_BASE_URL: 'http://gateway' },
  instructions: ['/home/me/.claude/CLAUDE.md'],
}

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
    [{ profile: 'full', effort: 'high' }, []],
    [{ profile: 'project' }, ['--setting-sources=project,local']],
    [{ profile: 'pure' }, ['--setting-sources=', '--strict-mcp-config', '--tools=']],
    [
      { profile: 'pure', sandboxMode: 'workspace' },
      ['--setting-sources=', '--strict-mcp-config', '--tools='],
    ],
    [
      { profile: 'pure', resume: 'abc' },
      [
        '--setting-sources=',
        '--strict-mcp-config',
        '--tools=',
        '--resume=abc',
        '--system-prompt-snapshot=off',
      ],
    ],
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

  test('offers no tools to a pure model, whatever else is allowed', () => {
    expect(argv({ profile: 'pure' }, [], ['Read'])).toContain('--tools=')
  })

  test("gives in one piece what is kept of the user's settings and what is added to them", () => {
    const settingsIn = (flags: string[]) =>
      flags.filter((flag) => flag.startsWith('--settings=')).map((flag) => JSON.parse(flag.slice(11)))
    expect(settingsIn(argv({ profile: 'pure' }, [], undefined, user))).toEqual([
      { apiKeyHelper: 'print-key' },
    ])
    expect(settingsIn(argv({ profile: 'project', approvalMode: 'none' }, [], undefined, user))).toEqual([
      {
        apiKeyHelper: 'print-key',
        claudeMdExcludes: ['/home/me/.claude/CLAUDE.md'],
        useAutoModeDuringPlan: false,
      },
    ])
  })

  test("ends with the operator's flags and the caller's", () => {
    expect(argv({ extraFlags: ['--b'] }, ['--a']).slice(-2)).toEqual(['--a', '--b'])
  })
})

describe('the environment', () => {
  test('carries no marks of an agent around us, no work in the background and no second try after a refusal', () => {
    expect(claudeEnv({ PATH: '/bin', CLAUDECODE: '1', CLAUDE_CODE_ENTRYPOINT: 'cli' }, options())).toEqual({
      PATH: '/bin',
      CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: '1',
      CLAUDE_CODE_DISABLE_CRON: '1',
      CLAUDE_CODE_DISABLE_REFUSAL_RETRY: '1',
    })
  })

  test('limits the length of an answer', () => {
    expect(claudeEnv({}, options({ maxTokens: 7 }))).toMatchObject({ CLAUDE_CODE_MAX_OUTPUT_TOKENS: '7' })
  })

  test("leaves out the user's instructions and the agent's memory, and keeps the way to the provider", () => {
    const own = { ANTHROPIC_BASE_URL: 'http://old', CLAUDE_CODE_DISABLE_CLAUDE_MDS: '0' }
    expect(claudeEnv(own, options({ profile: 'pure' }), user)).toMatchObject({
      ANTHROPIC_BASE_URL: 'http://gateway',
      CLAUDE_CODE_DISABLE_CLAUDE_MDS: '1',
      CLAUDE_CODE_DISABLE_AUTO_MEMORY: '1',
      CLAUDE_CODE_DISABLE_ATTACHMENTS: '1',
    })
    const project = claudeEnv({}, options({ profile: 'project' }))
    expect(project).toMatchObject({ CLAUDE_CODE_DISABLE_AUTO_MEMORY: '1' })
    expect(project).not.toHaveProperty('CLAUDE_CODE_DISABLE_CLAUDE_MDS')
  })
})

test('a hook is asked for only where it has something to say', () => {
  expect(initializeRequest(options(), false)).toEqual({ subtype: 'initialize' })
  expect(initializeRequest(options(), true)).toMatchObject({
    hooks: { PreToolUse: [{ matcher: null, hookCallbackIds: ['tool'] }] },
  })
})

test('a system prompt is added to the agent’s own, or takes its place in the profile pure', () => {
  const initialize = (more: Partial<SessionOptions>) => initializeRequest(options(more), false)
  expect(initialize({ systemPrompt: 'x', profile: 'project' })).toMatchObject({ appendSystemPrompt: 'x' })
  expect(initialize({ systemPrompt: 'x', profile: 'pure' })).toEqual({
    subtype: 'initialize',
    systemPrompt: ['x'],
  })
  expect(initialize({ profile: 'pure' })).toEqual({ subtype: 'initialize', systemPrompt: [''] })
})

describe('tools of the client’s', () => {
  const clientTools = [{ name: 'ToolSearch', inputSchema: { type: 'object' } }]

  test('go by their own names in the profile pure, and need no permission', () => {
    expect(argv({ clientTools })).toContain('--allowedTools=mcp__client')
    expect(argv({ clientTools: [] }).join(' ')).not.toContain('--allowedTools')
    const whole = { CLAUDE_CODE_MAX_MCP_DESCRIPTION_LENGTH: '1000000' }
    expect(claudeEnv({}, options({ clientTools }))).toMatchObject(whole)
    expect(claudeEnv({}, options({ clientTools }))).not.toHaveProperty('CLAUDE_AGENT_SDK_MCP_NO_PREFIX')
    expect(claudeEnv({}, options({ clientTools, profile: 'pure' }))).toMatchObject({
      ...whole,
      CLAUDE_AGENT_SDK_MCP_NO_PREFIX: '1',
    })
    expect(claudeEnv({}, options())).not.toHaveProperty('CLAUDE_CODE_MAX_MCP_DESCRIPTION_LENGTH')
  })

  test('are asked for in the first request, like the form of the answer', () => {
    expect(initializeRequest(options({ clientTools }), false, { type: 'object' })).toMatchObject({
      sdkMcpServers: ['client'],
      jsonSchema: { type: 'object' },
    })
  })

  test('are forced by what is added to every request, without thinking', () => {
    const forced = (more: Partial<SessionOptions>, env: Record<string, string> = {}) => {
      const { CLAUDE_CODE_EXTRA_BODY: body = 'null', ...rest } = claudeEnv(
        env,
        options({ clientTools, profile: 'pure', effort: 'high', ...more }),
      )
      return [JSON.parse(body), rest['MAX_THINKING_TOKENS']]
    }
    expect(forced({})).toEqual([null, '16000'])
    expect(forced({ toolChoice: 'required' })).toEqual([{ tool_choice: { type: 'any' } }, '0'])
    const toolChoice = { name: 'ToolSearch' }
    const tool_choice = { type: 'tool', name: 'ToolSearch_2' }
    expect(forced({ toolChoice })).toEqual([{ tool_choice }, '0'])
    expect(forced({ toolChoice }, { CLAUDE_CODE_EXTRA_BODY: '{"temperature":0.2}' })).toEqual([
      { temperature: 0.2, tool_choice },
      '0',
    ])
    expect(forced({ toolChoice }, { CLAUDE_CODE_EXTRA_BODY: 'nonsense' })).toEqual([{ tool_choice }, '0'])
  })
})
