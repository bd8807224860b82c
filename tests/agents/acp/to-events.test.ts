import { describe, expect, test } from 'bun:test'
import { createTranslator, totalCost } from '../../../src/agents/acp/to-events.ts'
import type { TurnEvent } from '../../../src/agents/types.ts'

type Update = Readonly<Record<string, unknown>>

function events(
  updates: readonly Update[],
  profile: Parameters<typeof createTranslator>[0] = { wholeThoughts: false },
) {
  const translator = createTranslator(profile)
  return updates.flatMap((update): TurnEvent[] => translator.update(update))
}
const say = (text: string, more: Update = {}) => ({
  sessionUpdate: 'agent_message_chunk',
  content: { type: 'text', text },
  ...more,
})
const think = (text: string) => ({ sessionUpdate: 'agent_thought_chunk', content: { type: 'text', text } })
const tool = (status: string, more: Update = {}) => ({
  sessionUpdate: 'tool_call_update',
  toolCallId: 't1',
  status,
  ...more,
})

describe('text', () => {
  test('belongs to the message that the agent names', () => {
    expect(events([say('a', { messageId: 'm1' }), say('b', { messageId: 'm2' })])).toEqual([
      { type: 'text', text: 'a', part: 'm1' },
      { type: 'text', text: 'b', part: 'm2' },
    ])
  })

  test('is a new paragraph after a tool call, where the agent names none', () => {
    expect(
      events([say('a'), say('b'), tool('completed'), say('c')]).flatMap((event) =>
        'part' in event ? event.part : [],
      ),
    ).toEqual(['message-0', 'message-0', 'message-1'])
  })

  test('that is empty, or is no text, adds nothing of its own', () => {
    expect(
      events([say(''), { sessionUpdate: 'agent_message_chunk', content: { type: 'image', data: 'AA==' } }]),
    ).toEqual([{ type: 'text', text: '[image]', part: 'message-0' }])
  })
})

test('whole thoughts are paragraphs of their own, pieces of one are not', () => {
  const parts = (wholeThoughts: boolean) =>
    events([think('a'), think('b')], { wholeThoughts }).map((event) => 'part' in event && event.part)
  expect(parts(true)).toEqual(['thought-0-1', 'thought-0-2'])
  expect(parts(false)).toEqual(['thought-0-0', 'thought-0-0'])
})

test('a plan is progress', () => {
  const entries = [
    { content: 'look', status: 'completed' },
    { content: 'leap', status: 'in_progress' },
  ]
  expect(events([{ sessionUpdate: 'plan', entries }])).toEqual([
    { type: 'progress', message: 'Plan: 1 of 2 done, now: leap', data: { kind: 'plan', entries } },
  ])
})

describe('a tool call', () => {
  test('is shown once, when its input is there, and its result once', () => {
    expect(
      events([
        tool('pending', { sessionUpdate: 'tool_call', title: 'bash', rawInput: { cwd: '/w' } }),
        tool('in_progress', { title: 'echo hi', rawInput: { command: 'echo hi', cwd: '/w' } }),
        tool('in_progress', { title: 'echo hi' }),
        tool('completed', { content: [{ type: 'content', content: { type: 'text', text: 'hi' } }] }),
        tool('completed'),
      ]),
    ).toEqual([
      { type: 'tool_use', id: 't1', name: 'bash', input: { command: 'echo hi', cwd: '/w' } },
      { type: 'tool_result', id: 't1', output: 'hi', isError: false },
    ])
  })

  test('that is only told when it is over has both at once', () => {
    expect(events([tool('failed', { title: 'read', rawOutput: { error: 'no such file' } })])).toEqual([
      { type: 'tool_use', id: 't1', name: 'read', input: { title: 'read' } },
      { type: 'tool_result', id: 't1', output: 'no such file', isError: true },
    ])
  })

  test('without its arguments has what is told of it, and its name from its id', () => {
    const content = [{ type: 'diff', path: '/w/a', oldText: '', newText: 'hey' }]
    const update = tool('completed', {
      title: 'Writing to a',
      kind: 'edit',
      locations: [{ path: '/w/a' }],
      content,
    })
    expect(events([update], { wholeThoughts: false, toolName: () => 'write_file' })).toEqual([
      {
        type: 'tool_use',
        id: 't1',
        name: 'write_file',
        input: {
          title: 'Writing to a',
          paths: ['/w/a'],
          changes: [{ path: '/w/a', oldText: '', newText: 'hey' }],
        },
      },
      { type: 'tool_result', id: 't1', output: 'Changed /w/a.', isError: false },
    ])
  })

  test('that was denied has no second result when the agent tells of it', () => {
    const translator = createTranslator({ wholeThoughts: false })
    translator.asked({ toolCallId: 't1', title: 'rm', rawInput: { path: 'a' } })
    expect([...translator.tools.denied('t1', 'No.'), ...translator.update(tool('failed'))]).toEqual([
      { type: 'tool_result', id: 't1', output: 'Denied: No.', isError: true },
    ])
  })

  test('that never began is shown at the end', () => {
    const translator = createTranslator({ wholeThoughts: false })
    expect(translator.update(tool('pending', { title: 'wait' }))).toEqual([])
    expect(translator.tools.flush()).toEqual([
      { type: 'tool_use', id: 't1', name: 'wait', input: { title: 'wait' } },
    ])
    expect(translator.tools.flush()).toEqual([])
  })
})

test('the cost is what a usage update tells in US dollars', () => {
  const update = (cost: unknown) => totalCost({ sessionUpdate: 'usage_update', cost })
  expect([
    update({ amount: 0.5, currency: 'USD' }),
    update({ amount: 1, currency: 'EUR' }),
    update(null),
  ]).toEqual([0.5, undefined, undefined])
})
