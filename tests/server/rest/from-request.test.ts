import { expect, test } from 'bun:test'
import { fromPromptRequest } from '../../../src/server/rest/from-request.ts'
import { PromptRequest } from '../../../src/server/rest/schema.ts'

test('a prompt alone asks for nothing else', () => {
  expect(fromPromptRequest({ prompt: 'hi' })).toEqual({ parts: [{ type: 'text', text: 'hi' }] })
})

test('every field reaches the engine', () => {
  const request = fromPromptRequest({
    prompt: '-p /help @file',
    images: [{ media_type: 'image/png', data: 'iVBORw0KGgo=' }],
    backend: 'codex',
    model: 'fast',
    session_id: 'ses_1',
    workdir: '/w',
    ephemeral: true,
    approval_mode: 'none',
    sandbox_mode: 'read-only',
    max_tokens: 5,
    max_turns: 6,
    system_prompt: 'be brief',
    allowed_tools: ['read'],
    extra: ['--x'],
    metadata: { a: { b: 1 } },
  })
  expect(request).toEqual({
    parts: [
      { type: 'image', mediaType: 'image/png', data: 'iVBORw0KGgo=' },
      { type: 'text', text: '-p /help @file' },
    ],
    backend: 'codex',
    model: 'fast',
    sessionId: 'ses_1',
    workdir: '/w',
    ephemeral: true,
    approvalMode: 'none',
    sandboxMode: 'read-only',
    maxTokens: 5,
    maxTurns: 6,
    systemPrompt: 'be brief',
    allowedTools: ['read'],
    extraFlags: ['--x'],
    metadata: { a: { b: 1 } },
  })
})

test('no field is forgotten: all but those about the form of the answer are translated', () => {
  const aboutTheAnswer = ['output_format', 'stream', 'verbose', 'dry_run', 'background', 'on_disconnect']
  const samples: Record<string, unknown> = {
    images: [{ media_type: 'image/png', data: 'iVBORw0KGgo=' }],
    allowed_tools: ['x'],
    extra: ['x'],
    metadata: { x: 1 },
    ephemeral: true,
    max_tokens: 1,
    max_turns: 1,
  }
  const plain = JSON.stringify(fromPromptRequest({ prompt: 'p' }))
  for (const field of Object.keys(PromptRequest.properties)) {
    if (aboutTheAnswer.includes(field) || field === 'prompt') continue
    const body = { prompt: 'p', [field]: samples[field] ?? 'x' }
    expect([field, JSON.stringify(fromPromptRequest(body))]).not.toEqual([field, plain])
  }
})

test('0 is no limit of its own, as release 0.2 sent it', () => {
  expect(Object.keys(fromPromptRequest({ prompt: 'p', max_tokens: 0, max_turns: 0 }))).toEqual(['parts'])
})

test('false and empty lists are kept: they are not the default', () => {
  expect(fromPromptRequest({ prompt: 'p', ephemeral: false, allowed_tools: [] })).toMatchObject({
    ephemeral: false,
    allowedTools: [],
  })
})

test('an image that does not begin as its kind does is refused before an agent sees it', () => {
  const image = (media_type: 'image/png' | 'image/jpeg', data: string) => () =>
    fromPromptRequest({ prompt: 'x', images: [{ media_type, data }] })
  expect(image('image/jpeg', 'iVBORw0KGgo=')).toThrow('images[0].data does not begin as image/jpeg does.')
  expect(image('image/png', 'AAAA')).toThrow('does not begin')
  expect(image('image/jpeg', '/9j/4AAQ')).not.toThrow()
})
