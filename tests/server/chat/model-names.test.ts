import { describe, expect, test } from 'bun:test'
import type { BackendInfo } from '../../../src/engine/types.ts'
import { ClinvkError } from '../../../src/errors.ts'
import {
  findModel,
  listModels,
  type ModelTarget,
  requireModel,
  resolveModelName,
  withExistingModels,
} from '../../../src/server/chat/model-names.ts'
import { backend } from '../support.ts'

const claude = backend({ name: 'claude', driver: 'claude', models: ['claude-opus-4', 'haiku'] })
const codex = backend({ name: 'codex', driver: 'codex', models: [] })
const gemini = backend({ name: 'gemini', models: ['gemini-2.5-pro'] })
const opencode = backend({ name: 'opencode', models: ['zen/gpt-5', 'claude-opus-4'] })
const all = [claude, codex, gemini, opencode]
const aliases = { smart: 'claude/claude-opus-4', default: 'codex', 'gpt-4o': 'gemini', loop: 'loop' }

describe('resolveModelName', () => {
  const names: [name: string, target: ModelTarget | undefined][] = [
    ['claude', { backend: 'claude' }],
    ['codex', { backend: 'codex' }],
    ['claude/opus', { backend: 'claude', model: 'opus' }],
    ['claude:opus', { backend: 'claude', model: 'opus' }],
    ['claude/claude', { backend: 'claude' }],
    ['opencode/zen/gpt-5', { backend: 'opencode', model: 'zen/gpt-5' }],
    ['codex/gpt-5:high', { backend: 'codex', model: 'gpt-5:high' }],
    ['zen/gpt-5', { backend: 'opencode', model: 'zen/gpt-5' }],
    ['gemini-2.5-pro', { backend: 'gemini', model: 'gemini-2.5-pro' }],
    ['gemini-9', { backend: 'gemini', model: 'gemini-9' }],
    ['gpt-5.1', { backend: 'codex', model: 'gpt-5.1' }],
    ['o3', { backend: 'codex', model: 'o3' }],
    ['o4-mini', { backend: 'codex', model: 'o4-mini' }],
    ['claude-sonnet-9', { backend: 'claude', model: 'claude-sonnet-9' }],
    ['sonnet', { backend: 'claude', model: 'sonnet' }],
    ['smart', { backend: 'claude', model: 'claude-opus-4' }],
    ['default', { backend: 'codex' }],
    ['gpt-4o', { backend: 'gemini' }],
    ['loop', undefined],
    ['claude/', undefined],
    ['/claude', undefined],
    ['', undefined],
    ['ollama/llama', undefined],
    ['other', undefined],
    ['octopus', undefined],
    ['claudette', undefined],
    ['toString', undefined],
    ['__proto__', undefined],
    ['Claude', undefined],
  ]
  test.each(names)('knows what %p is', (name, target) => {
    expect(resolveModelName(name, all, aliases)).toEqual(target)
  })

  const choices: [title: string, backends: BackendInfo[], name: string, expected: string | undefined][] = [
    ['one that is ready', [{ ...claude, ready: false }, opencode], 'claude-opus-4', 'opencode'],
    ['the default', [claude, { ...opencode, default: true }], 'claude-opus-4', 'opencode'],
    ['else the first', [opencode, claude], 'claude-opus-4', 'opencode'],
    ['none that is disabled', [{ ...opencode, enabled: false }, claude], 'claude-opus-4', 'claude'],
    ['never the demo', [backend({ name: 'demo', demo: true, models: ['gpt-5'] })], 'gpt-5', undefined],
    [
      'of a family, one that speaks its protocol under another name',
      [{ ...claude, name: 'work', models: [] }],
      'claude-9',
      'work',
    ],
    ['of a family, the one with the usual name', [{ ...codex, name: 'other' }, codex], 'gpt-5', 'codex'],
    [
      'of a family, one that is not installed, so that the answer can say how to',
      [{ ...codex, ready: false, available: false }],
      'gpt-5',
      'codex',
    ],
  ]
  test.each(choices)('takes, of several backends, %s', (_, backends, name, expected) => {
    expect(resolveModelName(name, backends)?.backend).toBe(expected as string)
  })
})

describe('requireModel', () => {
  test('names what exists, and what may have been meant', () => {
    const error = failure(() => requireModel('nonsense', all, aliases))
    expect(error.code).toBe('model_not_found')
    expect(error.status).toBe(404)
    expect(error.message).toContain('There are: claude, claude/claude-opus-4, claude/haiku, codex, ')
    expect(failure(() => requireModel('codx', all)).message).toContain('Did you mean "codex"?')
  })

  test('says how to have the demo agent beside others', () => {
    expect(failure(() => requireModel('demo', all, aliases)).message).toContain('start with --demo')
  })

  test('says so where nothing is ready', () => {
    expect(failure(() => requireModel('x', [{ ...codex, ready: false }])).message).toBe(
      'There is no model "x". No backend is ready.',
    )
  })

  test('does not list hundreds of names, nor repeat a huge one', () => {
    const many = backend({ models: Array.from({ length: 500 }, (_, index) => `m${index}`) })
    const { message } = failure(() => requireModel('x'.repeat(10_000), [many]))
    expect(message.length).toBeLessThan(1500)
    expect(message).toContain('and 461 more')
  })
})

describe('listModels', () => {
  test('lists ready backends, their models, and the aliases that lead to them', () => {
    const backends = [claude, { ...codex, ready: false }, { ...opencode, enabled: false }, gemini]
    expect(listModels(backends, aliases)).toEqual([
      { id: 'claude', backend: 'claude' },
      { id: 'claude/claude-opus-4', backend: 'claude', model: 'claude-opus-4' },
      { id: 'claude/haiku', backend: 'claude', model: 'haiku' },
      { id: 'gemini', backend: 'gemini' },
      { id: 'gemini/gemini-2.5-pro', backend: 'gemini', model: 'gemini-2.5-pro' },
      { id: 'smart', backend: 'claude', model: 'claude-opus-4' },
      { id: 'gpt-4o', backend: 'gemini' },
    ])
  })
})

describe('findModel', () => {
  test.each([
    'claude',
    'claude/haiku',
    'claude:haiku',
    'haiku',
    'smart',
    'gpt-5',
    'codex/whatever',
    'claude/fast',
    'claude/claude-opus-9',
  ])('finds %s under the name that was asked for', (name) => {
    expect(findModel(name, all, aliases).id).toBe(name)
  })

  test.each(['nothing', 'claude/nothing', 'claude/gpt-5'])('does not find %s', (name) => {
    expect(failure(() => findModel(name, all, aliases)).code).toBe('model_not_found')
  })

  test('adds what there is to the word of an agent that has no such model', () => {
    const told = new ClinvkError('model_not_found', 'claude: no such model', { upstreamStatus: 404 })
    const error = withExistingModels(told, [claude])
    expect(error).toMatchObject({ status: 404, upstreamStatus: 404, details: { param: 'model' } })
    expect(error.message).toBe(
      'claude: no such model. There are: claude, claude/claude-opus-4, claude/haiku.',
    )
    const other = new ClinvkError('timeout', 'No.')
    expect(withExistingModels(other, [claude])).toBe(other)
  })

  test('does not find a model of a backend that is not ready', () => {
    expect(failure(() => findModel('codex', [{ ...codex, ready: false }])).code).toBe('model_not_found')
  })
})

function failure(run: () => unknown): ClinvkError {
  try {
    run()
  } catch (error) {
    if (error instanceof ClinvkError) return error
  }
  throw new Error('expected a ClinvkError')
}
