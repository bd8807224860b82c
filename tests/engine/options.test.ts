import { describe, expect, test } from 'bun:test'
import { type OptionDefaults, resolveOptions } from '../../src/engine/options.ts'
import type { TurnRequest } from '../../src/engine/types.ts'
import { ClinvkError } from '../../src/errors.ts'
import { ALL_CAPABILITIES } from '../support/fake-driver.ts'

const defaults = (more: Partial<OptionDefaults> = {}): OptionDefaults => ({
  modelAliases: { fast: 'small-1', mine: 'special-2' },
  approvalMode: 'default',
  sandboxMode: 'default',
  allowedExtraFlags: ['--good', '--level=2'],
  ...more,
})
const request = (more: Partial<TurnRequest> = {}): TurnRequest => ({
  parts: [{ type: 'text', text: 'hi' }],
  ...more,
})
const able = { name: 'able', capabilities: ALL_CAPABILITIES }
const unable = {
  name: 'unable',
  capabilities: {
    ...ALL_CAPABILITIES,
    images: 'none',
    systemPrompt: 'none',
    model: 'none',
    maxTurns: 'none',
    maxTokens: 'none',
    allowedTools: 'none',
    extraFlags: 'none',
    approvalModes: { default: 'native' },
    sandboxModes: { default: 'native', full: 'native' },
  },
} as const
const failure = (run: () => unknown): ClinvkError => {
  try {
    run()
  } catch (error) {
    if (error instanceof ClinvkError) return error
  }
  throw new Error('nothing was refused')
}

describe('resolveOptions', () => {
  test('holds the model to a schema by the agent’s own means, else by instruction', () => {
    const holding = { name: 'holding', capabilities: { ...ALL_CAPABILITIES, jsonSchema: 'native' as const } }
    const schema = { type: 'object' }
    const asked = request({ answer: { schema, strict: true } })
    const instructed = { systemPrompt: expect.stringContaining('JSON Schema') }
    expect(resolveOptions(asked, holding, defaults())).toEqual({
      approvalMode: 'default',
      sandboxMode: 'default',
      ephemeral: false,
      jsonSchema: schema,
    })
    for (const other of [able, { ...holding, holdsTo: () => false }]) {
      const options = resolveOptions(asked, other, defaults())
      expect(options).toMatchObject(instructed)
      expect(options).not.toHaveProperty('jsonSchema')
    }
  })

  test('prefers the request, then the session, then the configuration', () => {
    const configured = defaults({
      model: 'm-config',
      systemPrompt: 'config',
      maxTurns: 3,
      approvalMode: 'auto',
    })
    const session = { ...resolveOptions(request(), able, defaults({ model: 'm-session' })), maxTurns: 5 }
    expect(resolveOptions(request(), able, configured)).toMatchObject({
      model: 'm-config',
      systemPrompt: 'config',
      maxTurns: 3,
      approvalMode: 'auto',
    })
    expect(resolveOptions(request(), able, configured, session)).toMatchObject({
      model: 'm-session',
      maxTurns: 5,
      approvalMode: 'default',
    })
    expect(
      resolveOptions(
        request({ model: 'm-request', maxTurns: 1, approvalMode: 'none' }),
        able,
        configured,
        session,
      ),
    ).toMatchObject({ model: 'm-request', maxTurns: 1, approvalMode: 'none' })
  })

  test.each([
    ['fast', 'small-1'],
    ['quick', 'small-1'],
    ['mine', 'special-2'],
    ['vendor/model-3:free', 'vendor/model-3:free'],
    ['constructor', 'constructor'],
    ['toString', 'toString'],
  ])('reads the model %p as %p', (asked, model) => {
    expect(resolveOptions(request({ model: asked }), able, defaults()).model).toBe(model)
  })

  test('takes the agent’s own model for "default" where none is set', () => {
    expect(resolveOptions(request({ model: 'default' }), able, defaults()).model).toBeUndefined()
    expect(resolveOptions(request({ model: 'balanced' }), able, defaults({ model: 'm' })).model).toBe('m')
  })

  test('says so where a class of model means nothing to a backend', () => {
    expect(failure(() => resolveOptions(request({ model: 'best' }), able, defaults())).message).toBe(
      'able has no model for "best". Name a model of its own, or set backends.able.model_aliases.best.',
    )
  })

  test.each(['--dangerous', '-m', 'a b', 'a\nb', '$(x)', '__proto__'])('refuses %p as a model', (model) => {
    expect(failure(() => resolveOptions(request({ model }), able, defaults())).code).toBe('invalid_request')
  })

  test.each([
    ['model', { model: 'm' }],
    ['system_prompt', { systemPrompt: 's' }],
    ['max_turns', { maxTurns: 1 }],
    ['max_tokens', { maxTokens: 1 }],
    ['allowed_tools', { allowedTools: [] }],
    ['extra', { extraFlags: ['--good'] }],
    ['images', { parts: [{ type: 'image', mediaType: 'image/png', data: '' }] }],
    ['approval_mode', { approvalMode: 'none' }],
    ['sandbox_mode', { sandboxMode: 'read-only' }],
  ] as [string, Partial<TurnRequest>][])('refuses %s where the backend cannot honour it', (field, more) => {
    const error = failure(() => resolveOptions(request(more), unable, defaults()))
    expect(error.code).toBe('unsupported_option')
    expect(error.message).toStartWith(`${field}: unable `)
    expect(error.details).toMatchObject({ option: field })
    expect(() => resolveOptions(request(more), able, defaults())).not.toThrow()
  })

  test('tells where an option comes from that nobody asked for', () => {
    expect(failure(() => resolveOptions(request(), unable, defaults({ maxTokens: 9 }))).message).toBe(
      'max_tokens: unable cannot limit the tokens of an answer (it comes from the configuration).',
    )
  })

  test('lets a request add only flags that are listed, to the letter', () => {
    expect(resolveOptions(request({ extraFlags: ['--level=2'] }), able, defaults()).extraFlags).toEqual([
      '--level=2',
    ])
    for (const flag of ['--level=3', '--level', '--goo', '--good ', '']) {
      const error = failure(() => resolveOptions(request({ extraFlags: ['--good', flag] }), able, defaults()))
      expect([error.code, error.status]).toEqual(['forbidden', 403])
      expect(error.message).toContain(JSON.stringify(flag))
    }
  })
})
