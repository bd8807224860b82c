import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPolicy, type Verdict } from '../../../src/agents/claude/permissions.ts'
import type { SessionOptions } from '../../../src/agents/types.ts'
import { failure, options } from './support.ts'

let root = ''
let workdir = ''
beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'clinvk-policy-')))
  workdir = join(root, 'work')
  mkdirSync(join(workdir, 'src'), { recursive: true })
  mkdirSync(join(root, 'elsewhere'))
  writeFileSync(join(workdir, 'src', 'a.ts'), '')
  symlinkSync(join(root, 'elsewhere'), join(workdir, 'link'))
  symlinkSync(join(root, 'not-yet'), join(workdir, 'dangling'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const policy = (more: Partial<SessionOptions>) => createPolicy(options({ workdir, ...more }))
const at = (path: string) => (path.startsWith('/') ? path : join(workdir, path))
const write = (path: string) => ({ tool: 'Write', input: { file_path: at(path) } })
const shell = (command: string) => ({ tool: 'Bash', input: { command } })
const read = (path: string) => ({ tool: 'Read', input: { file_path: at(path) } })

async function decisions(
  more: Partial<SessionOptions>,
  call: Parameters<ReturnType<typeof policy>['asked']>[0],
) {
  const made = policy(more)
  return [(await made.before(call)).decision, (await made.asked(call)).decision]
}

describe('approval_mode decides', () => {
  // [before a tool runs, when the agent asks]
  test.each<[Partial<SessionOptions>, Verdict['decision'][]]>([
    [{ approvalMode: 'default' }, ['leave', 'deny']],
    [{ approvalMode: 'auto' }, ['leave', 'allow']],
    [{ approvalMode: 'none' }, ['allow', 'allow']],
    [{ approvalMode: 'always' }, ['deny', 'deny']],
    [{ approvalMode: 'always', allowedTools: ['Write'] }, ['deny', 'deny']],
  ])('%j: an edit in the working directory', async (more, expected) => {
    expect(await decisions(more, write('new.ts'))).toEqual(expected)
    expect(await decisions(more, write('deep/er/new.ts'))).toEqual(expected)
  })

  test('auto approves no edit elsewhere, however the path is written', async () => {
    for (const path of [
      '/etc/x',
      '../x',
      'link/x',
      'dangling',
      '.git/hooks/x',
      '.claude/settings.json',
      '.mcp.json',
    ])
      expect(await decisions({ approvalMode: 'auto' }, write(path))).toEqual(['leave', 'deny'])
    const relative = { tool: 'Write', input: { file_path: 'new.ts' } }
    const home = { tool: 'Write', input: { file_path: '~/new.ts' } }
    for (const call of [relative, home, { tool: 'Write', input: {} }])
      expect(await decisions({ approvalMode: 'auto' }, call)).toEqual(['leave', 'deny'])
  })

  test('a denial says which mode would allow it', async () => {
    const made = policy({ approvalMode: 'default' })
    expect((await made.asked(write('x'))).reason).toContain('"auto" or "none"')
    expect((await made.asked(shell('x'))).reason).toContain('"none"')
    expect((await made.asked(shell('x'))).reason).not.toContain('"auto"')
  })
})

describe('sandbox_mode is the ceiling', () => {
  test('read-only lets nothing run but what reads, whatever is approved', async () => {
    const more = { sandboxMode: 'read-only', approvalMode: 'none' } as const
    for (const call of [
      write('x'),
      shell('ls'),
      { tool: 'mcp__a__b', input: {} },
      { tool: 'Skill', input: {} },
    ])
      expect(await decisions(more, call)).toEqual(['deny', 'deny'])
    for (const call of [read('src/a.ts'), { tool: 'Agent', input: {} }, { tool: 'Grep', input: {} }])
      expect(await decisions(more, call)).toEqual(['allow', 'allow'])
    expect(await decisions(more, { tool: 'Agent', input: { isolation: 'worktree' } })).toEqual([
      'deny',
      'deny',
    ])
  })

  test('workspace lets files be edited in the working directory, and no shell', async () => {
    const more = { sandboxMode: 'workspace', approvalMode: 'none' } as const
    expect(await decisions(more, write('src/a.ts'))).toEqual(['allow', 'allow'])
    for (const call of [
      write('/etc/x'),
      write('link/x'),
      write('.git/config'),
      write('.GIT/config'),
      shell('ls'),
    ])
      expect(await decisions(more, call)).toEqual(['deny', 'deny'])
  })

  test('full and default add nothing', async () => {
    for (const sandboxMode of ['full', 'default'] as const)
      expect(await decisions({ sandboxMode, approvalMode: 'none' }, shell('rm -r /'))).toEqual([
        'allow',
        'allow',
      ])
  })

  test('offers only the tools that it lets run', () => {
    expect(policy({ sandboxMode: 'read-only' }).tools).not.toContain('Bash')
    expect(policy({ sandboxMode: 'read-only' }).tools).not.toContain('Write')
    expect(policy({ sandboxMode: 'workspace' }).tools).toContain('Write')
    expect(policy({ sandboxMode: 'full' }).tools).toBeUndefined()
  })
})

describe('allowed_tools', () => {
  test.each<[string, { tool: string; input: Record<string, unknown> }, boolean]>([
    ['Bash', shell('ls; rm x'), true],
    ['Bash(*)', shell('ls; rm x'), true],
    ['Bash(git *)', shell('git status'), true],
    ['Bash(git *)', shell('git'), true],
    ['Bash(git:*)', shell('git log -p'), true],
    ['Bash(git *)', shell('github'), false],
    ['Bash(git *)', shell('git status; rm -r x'), false],
    ['Bash(git *)', shell('git log $(rm x)'), false],
    ['Bash(git *)', shell('git log\nrm x'), false],
    ['Bash(git *)', shell('git diff > x'), false],
    ['Bash(ls -l)', shell('ls -l'), true],
    ['Bash(ls -l)', shell('ls -la'), false],
    ['Bash(npm run *:fix)', shell('npm run lint:fix'), true],
    ['Read', shell('ls'), false],
    ['Task', { tool: 'Agent', input: {} }, true],
    ['Task(Explore)', { tool: 'Agent', input: { subagent_type: 'Explore' } }, true],
    ['Task(Explore)', { tool: 'Agent', input: { subagent_type: 'other' } }, false],
    ['mcp__files', { tool: 'mcp__files__read', input: {} }, true],
    ['mcp__files', { tool: 'mcp__filesystem__read', input: {} }, false],
    ['mcp__files__*', { tool: 'mcp__files__read', input: {} }, true],
    ['mcp__files__read', { tool: 'mcp__files__write', input: {} }, false],
    ['WebFetch(domain:example.com)', { tool: 'WebFetch', input: { url: 'https://example.com/a' } }, true],
    [
      'WebFetch(domain:example.com)',
      { tool: 'WebFetch', input: { url: 'https://example.com.evil/' } },
      false,
    ],
    ['WebFetch(domain:*.example.com)', { tool: 'WebFetch', input: { url: 'https://a.example.com' } }, true],
    ['WebFetch(domain:example.com)', { tool: 'WebFetch', input: { url: 'no url' } }, false],
  ])('%s, %j: %p', async (rule, call, allowed) => {
    const decision = allowed ? 'allow' : 'deny'
    expect(await decisions({ allowedTools: [rule] }, call)).toEqual([decision, decision])
  })

  test('matches files by their real path', async () => {
    const allowed = async (rule: string, path: string) =>
      (await policy({ allowedTools: [rule] }).before(read(path))).decision === 'allow'
    expect(await allowed('Read(src/**)', 'src/a.ts')).toBe(true)
    expect(await allowed('Read(./src/*.ts)', 'src/a.ts')).toBe(true)
    expect(await allowed('Read(*.ts)', 'src/a.ts')).toBe(true)
    expect(await allowed(`Read(/${workdir}/**)`, 'src/a.ts')).toBe(true)
    expect(await allowed('Read(src/**)', 'other/a.ts')).toBe(false)
    expect(await allowed('Read(src/**)', 'src/../secret')).toBe(false)
    expect(await allowed('Read(link/**)', 'link/x')).toBe(false)
    expect(await allowed('Read(src/*)', 'src/deep/a.ts')).toBe(false)
  })

  test('does not raise the ceiling', async () => {
    const more = { sandboxMode: 'read-only', allowedTools: ['Bash', 'Read'] } as const
    expect(await decisions(more, shell('ls'))).toEqual(['deny', 'deny'])
    expect(policy(more).tools).toEqual(['Read'])
  })

  test('are the built-in tools that are offered', () => {
    expect(policy({ allowedTools: ['Bash(git *)', 'Bash(ls)', 'mcp__a', 'Read'] }).tools).toEqual([
      'Bash',
      'Read',
    ])
    expect(policy({ allowedTools: [] }).tools).toEqual([])
    expect(policy({ allowedTools: ['*'] }).tools).toBeUndefined()
  })

  test('that can not be honoured are refused with their name', async () => {
    for (const entry of ['Skill(deploy)', 'WebFetch(https://x)', 'Bash(git', ''])
      expect(await failure(Promise.try(() => policy({ allowedTools: [entry] })))).toMatchObject({
        code: 'unsupported_option',
        message: expect.stringContaining(`"${entry}"`),
      })
  })
})

test('a hook costs nothing where it would have nothing to say', () => {
  expect(policy({}).hooked).toBe(false)
  expect(policy({ approvalMode: 'auto', sandboxMode: 'full' }).hooked).toBe(false)
  for (const more of [{ approvalMode: 'none' }, { sandboxMode: 'workspace' }, { allowedTools: [] }] as const)
    expect(policy(more).hooked).toBe(true)
})
