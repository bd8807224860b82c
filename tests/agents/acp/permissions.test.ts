import { describe, expect, test } from 'bun:test'
import { mkdir, mkdtemp, realpath, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ownFileCheck } from '../../../src/agents/acp/own-file.ts'
import { decide, type Rules } from '../../../src/agents/acp/permissions.ts'

const options = [
  { optionId: 'always', kind: 'allow_always' },
  { optionId: 'yes', kind: 'allow_once' },
  { optionId: 'no', kind: 'reject_once' },
]
const rules = (more: Partial<Rules> = {}): Rules => ({
  approvalMode: 'default',
  sandboxMode: 'default',
  isOwnFile: async (path) => path.startsWith('/work/'),
  ...more,
})
const call = (kind?: string, ...paths: string[]) => ({
  ...(kind === undefined ? {} : { kind }),
  locations: paths.map((path) => ({ path })),
})
const inside = call('edit', '/work/a')

describe('a request for permission is decided by the modes', () => {
  test.each<[string, Rules, ReturnType<typeof call>, boolean]>([
    ['default denies an edit', rules(), inside, false],
    ['default denies reading what the agent asks about', rules(), call('read', '/work/a'), false],
    ['auto allows an edit inside', rules({ approvalMode: 'auto' }), inside, true],
    ['auto allows a move inside', rules({ approvalMode: 'auto' }), call('move', '/work/a', '/work/b'), true],
    [
      'auto denies a move to the outside',
      rules({ approvalMode: 'auto' }),
      call('move', '/work/a', '/b'),
      false,
    ],
    ['auto denies an edit of nobody knows what', rules({ approvalMode: 'auto' }), call('edit'), false],
    ['auto denies a command', rules({ approvalMode: 'auto' }), call('execute', '/work/a'), false],
    ['auto denies a call without a kind', rules({ approvalMode: 'auto' }), call(undefined, '/work/a'), false],
    ['none allows a command', rules({ approvalMode: 'none' }), call('execute'), true],
    ['none allows what is new', rules({ approvalMode: 'none' }), call('from_the_future'), true],
    ['always denies reading', rules({ approvalMode: 'always' }), call('read', '/work/a'), false],
    [
      'read-only denies an edit though everything is approved',
      rules({ approvalMode: 'none', sandboxMode: 'read-only' }),
      inside,
      false,
    ],
    [
      'read-only lets reading be approved',
      rules({ approvalMode: 'none', sandboxMode: 'read-only' }),
      call('search'),
      true,
    ],
    [
      'workspace lets an edit inside be approved',
      rules({ approvalMode: 'none', sandboxMode: 'workspace' }),
      inside,
      true,
    ],
    [
      'workspace denies an edit outside',
      rules({ approvalMode: 'none', sandboxMode: 'workspace' }),
      call('edit', '/etc/a'),
      false,
    ],
    [
      'workspace denies a command',
      rules({ approvalMode: 'none', sandboxMode: 'workspace' }),
      call('execute', '/work/a'),
      false,
    ],
    [
      'workspace lets a listed tool edit inside',
      rules({ sandboxMode: 'workspace', allowedTools: ['write_file'] }),
      inside,
      true,
    ],
    ['full is no ceiling', rules({ approvalMode: 'none', sandboxMode: 'full' }), call('execute'), true],
  ])('%s', async (_, given, toolCall, allowed) => {
    expect(await decide({ options, toolCall }, given)).toMatchObject({
      decision: allowed ? 'allowed' : 'denied',
      outcome: { outcome: 'selected', optionId: allowed ? 'yes' : 'no' },
    })
  })

  test('a diff counts as a place, too', async () => {
    const toolCall = { ...inside, content: [{ type: 'diff', path: '/etc/a', newText: '' }] }
    expect(await decide({ options, toolCall }, rules({ approvalMode: 'auto' }))).toMatchObject({
      decision: 'denied',
    })
  })

  test('what can only be allowed for good is allowed so, and what cannot be refused is cancelled', async () => {
    const [always] = options
    expect(
      await decide({ options: [always], toolCall: inside }, rules({ approvalMode: 'none' })),
    ).toMatchObject({
      outcome: { optionId: 'always' },
    })
    expect(await decide({ options: [always], toolCall: inside }, rules())).toMatchObject({
      decision: 'denied',
      outcome: { outcome: 'cancelled' },
    })
    expect(
      await decide({ options: 'none', toolCall: inside }, rules({ approvalMode: 'none' })),
    ).toMatchObject({
      decision: 'denied',
      reason: 'The agent offered no way to allow it.',
    })
  })
})

test('a file is our own in the working directory only, links resolved, and when it makes no program run', async () => {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'clinvk-own-')))
  try {
    const work = join(folder, 'work')
    await mkdir(join(work, '.git'), { recursive: true })
    await symlink('/etc', join(work, 'link'))
    const isOwn = ownFileCheck(work)
    const paths = [
      'a.txt',
      join(work, 'new', 'b.txt'),
      '../work-2/a',
      join(folder, 'c.txt'),
      'link/passwd',
      '.git/hooks/post-commit',
      '.gemini/settings.json',
      'sub/opencode.json',
    ]
    expect(await Promise.all(paths.map(isOwn))).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
      false,
      false,
    ])
  } finally {
    await rm(folder, { recursive: true })
  }
})
