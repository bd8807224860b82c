import { describe, expect, test } from 'bun:test'
import { createTranslator, cutShort } from '../../../src/agents/codex/to-events.ts'
import { createTotals, type Totals } from '../../../src/agents/codex/usage.ts'

type Notification = readonly [method: string, params: Record<string, unknown>]

const translate = (...notifications: readonly Notification[]) => {
  const translator = createTranslator('m-1')
  return notifications.flatMap(([method, params]) => translator.read(method, params))
}
const started = (item: object): Notification => ['item/started', { item }]
const completed = (item: object): Notification => ['item/completed', { item }]
const text = (itemId: string, delta: string): Notification => ['item/agentMessage/delta', { itemId, delta }]
const tokens = (total: object, last: object): Notification => [
  'thread/tokenUsage/updated',
  { tokenUsage: { total, last } },
]

describe('text', () => {
  test('comes as it is written, each message a part of its own', () => {
    expect(translate(text('a', 'one '), text('a', 'two'), text('b', 'three'))).toEqual([
      { type: 'text', text: 'one ', part: 'a' },
      { type: 'text', text: 'two', part: 'a' },
      { type: 'text', text: 'three', part: 'b' },
    ])
  })

  test.each<[string, Notification[], unknown[]]>([
    ['nothing was streamed', [], [{ type: 'text', text: 'whole', part: 'a' }]],
    ['a part was streamed', [text('a', 'who')], [{ type: 'text', text: 'le', part: 'a' }]],
    ['all was streamed', [text('a', 'whole')], []],
    ['something else was streamed', [text('a', 'other')], []],
  ])('is completed once where %s', (_when, before, expected) => {
    const whole = completed({ type: 'agentMessage', id: 'a', text: 'whole' })
    expect<unknown[]>(translate(...before, whole, whole).slice(before.length)).toEqual(expected)
  })
})

describe('an answer that begins again because the stream broke', () => {
  const broken: Notification = [
    'error',
    { willRetry: true, error: { message: 'Reconnecting... 1/5', codexErrorInfo: 'other' } },
  ]
  const said = (...notifications: readonly Notification[]): unknown[] =>
    translate(...notifications).flatMap((event) =>
      event.type === 'text' || event.type === 'thinking' ? [[event.text, event.part]] : [event.type],
    )
  const whole = (id: string, words: string) => completed({ type: 'agentMessage', id, text: words })

  test('goes on where it was, in the same part', () => {
    const again = [
      text('b', 'Par'),
      text('b', 'is is in'),
      text('b', ' France'),
      whole('b', 'Paris is in France'),
    ]
    expect(said(text('a', 'Par'), text('a', 'is is'), broken, ...again)).toEqual([
      ['Par', 'a'],
      ['is is', 'a'],
      'progress',
      [' in', 'a'],
      [' France', 'a'],
    ])
  })

  test('is told anew where it says something else', () => {
    expect(
      said(text('a', 'Paris'), broken, text('b', 'Pa'), text('b', 'ssau'), whole('b', 'Passau')),
    ).toEqual([['Paris', 'a'], 'progress', 'progress', ['Passau', 'b']])
    expect(said(text('a', 'Paris'), broken, text('b', 'Par'), whole('b', 'Par'))).toEqual([
      ['Paris', 'a'],
      'progress',
      'progress',
      ['Par', 'b'],
    ])
  })

  test('goes on in its thinking too, and where the item keeps its name', () => {
    const thought = (itemId: string, delta: string): Notification => [
      'item/reasoning/summaryTextDelta',
      { itemId, delta, summaryIndex: 0 },
    ]
    expect(said(thought('r', 'Hm'), broken, thought('r', 'Hm'), thought('r', ', yes'))).toEqual([
      ['Hm', 'r.0'],
      'progress',
      [', yes', 'r.0'],
    ])
    expect(said(text('a', 'Paris'), broken, whole('a', 'Paris is'))).toEqual([
      ['Paris', 'a'],
      'progress',
      [' is', 'a'],
    ])
  })

  test('is another message after one that was whole', () => {
    expect(
      said(text('a', 'Yes.'), whole('a', 'Yes.'), broken, text('b', 'Yes.'), whole('b', 'Yes.')),
    ).toEqual([['Yes.', 'a'], 'progress', ['Yes.', 'b']])
  })

  test('is not lost where the turn ends in its middle', () => {
    const translator = createTranslator('m-1')
    for (const [method, params] of [text('a', 'Paris'), broken, text('b', 'Par')])
      translator.read(method, params)
    expect(translator.finish('max_tokens').map(({ type }) => type)).toEqual(['progress', 'text', 'done'])
  })
})

test('thinking comes as summary or as it is, each section a part of its own', () => {
  const events = translate(
    ['item/reasoning/summaryTextDelta', { itemId: 'r', delta: 'a', summaryIndex: 0 }],
    ['item/reasoning/summaryTextDelta', { itemId: 'r', delta: 'b', summaryIndex: 1 }],
    ['item/reasoning/textDelta', { itemId: 'q', delta: 'c', contentIndex: 0 }],
    completed({ type: 'reasoning', id: 'r', summary: ['a', 'b'], content: [] }),
    completed({ type: 'reasoning', id: 's', summary: ['d', 'e'], content: [] }),
  )
  expect(events).toEqual([
    { type: 'thinking', text: 'a', part: 'r.0' },
    { type: 'thinking', text: 'b', part: 'r.1' },
    { type: 'thinking', text: 'c', part: 'q.0' },
    { type: 'thinking', text: 'd\n\ne', part: 's' },
  ])
})

describe('tools', () => {
  const command = { type: 'commandExecution', id: 'c', command: 'ls', cwd: '/w' }
  const change = {
    type: 'fileChange',
    id: 'f',
    changes: [{ path: '/w/a', kind: { type: 'add' }, diff: 'x' }],
  }
  const mcp = { type: 'mcpToolCall', id: 'm', server: 'docs', tool: 'find', arguments: { q: 1 } }

  test.each([
    [{ ...command, status: 'completed', aggregatedOutput: 'a\n', exitCode: 0 }, 'a\n', false],
    [{ ...command, status: 'failed', aggregatedOutput: 'no\n', exitCode: 2 }, 'no\n[exit code 2]', true],
    [{ ...command, status: 'failed', aggregatedOutput: null, exitCode: 1 }, '[exit code 1]', true],
    [{ ...command, status: 'declined' }, 'The command was declined.', true],
    [{ ...change, status: 'completed' }, 'add /w/a', false],
    [{ ...change, status: 'declined' }, 'The change was declined.', true],
    [{ ...change, status: 'failed' }, 'The change was not made.', true],
    [
      { ...mcp, status: 'completed', result: { content: [{ type: 'text', text: 'x' }, { type: 'image' }] } },
      'x\n[image]',
      false,
    ],
    [{ ...mcp, status: 'failed', error: { message: 'broken' } }, 'broken', true],
    [
      {
        type: 'dynamicToolCall',
        id: 'd',
        tool: 't',
        success: false,
        contentItems: [{ type: 'inputText', text: 'y' }],
      },
      'y',
      true,
    ],
  ])('%j ends with %p', (item, output, isError) => {
    const events = translate(started({ ...item, status: 'inProgress' }), completed(item))
    expect(events).toHaveLength(2)
    expect(events[1]).toEqual({ type: 'tool_result', id: item.id, output, isError })
  })

  test.each([
    [command, 'shell', { command: 'ls', cwd: '/w' }],
    [change, 'apply_patch', { changes: change.changes }],
    [mcp, 'docs.find', { q: 1 }],
    [{ type: 'imageView', id: 'v', path: '/w/i.png' }, 'view_image', { path: '/w/i.png' }],
  ])('%j begins as %s', (item, name, input) => {
    expect(translate(started(item))).toEqual([{ type: 'tool_use', id: item.id, name, input }])
  })

  test('a web search is told when its query is known', () => {
    const item = { type: 'webSearch', id: 'w', query: 'bun', action: null }
    expect(translate(started({ ...item, query: '' }), completed(item))).toEqual([
      { type: 'tool_use', id: 'w', name: 'web_search', input: { query: 'bun', action: null } },
      { type: 'tool_result', id: 'w', output: '', isError: false },
    ])
  })

  test('a call that was not announced is announced with its result', () => {
    expect(translate(completed({ ...command, status: 'declined' })).map(({ type }) => type)).toEqual([
      'tool_use',
      'tool_result',
    ])
  })

  test('a command that still runs at the end of the turn has a result too', () => {
    const translator = createTranslator()
    translator.read(...started(command))
    expect(translator.finish('end_turn')).toEqual([
      { type: 'tool_result', id: 'c', output: 'It runs on in the background.', isError: false },
      { type: 'done', stopReason: 'end_turn' },
    ])
  })

  test('file changes are remembered for their approval', () => {
    const translator = createTranslator()
    translator.read(...started(change))
    expect(translator.changesOf('f')).toEqual(change.changes)
    translator.read('item/fileChange/patchUpdated', { itemId: 'f', changes: [{ path: '/w/b' }] })
    expect(translator.changesOf('f')).toEqual([{ path: '/w/b' }])
    expect(translator.changesOf('x')).toEqual([])
  })
})

describe('progress', () => {
  test('a retry of its own tells its count, its status and the reason', () => {
    const error = {
      message: 'Reconnecting... 2/5',
      codexErrorInfo: { responseStreamDisconnected: { httpStatusCode: 503 } },
      additionalDetails: 'unexpected status 503 Service Unavailable: busy, url: http://127.0.0.1:1/v1',
    }
    expect(translate(['error', { error, willRetry: true }])).toEqual([
      {
        type: 'progress',
        message: 'Codex tries again (2 of 5): busy',
        data: { attempt: 2, attempts: 5, status: 503 },
      },
    ])
  })

  test('an error without a retry is told by the end of the turn', () => {
    expect(translate(['error', { error: { message: 'x' }, willRetry: false }])).toEqual([])
  })

  test('plans and warnings are told', () => {
    const plan = [
      { step: 'one', status: 'completed' },
      { step: 'two', status: 'inProgress' },
    ]
    expect(translate(['turn/plan/updated', { plan }], ['warning', { message: 'careful' }])).toEqual([
      { type: 'progress', message: 'Plan: two', data: { plan } },
      { type: 'progress', message: 'careful' },
    ])
  })
})

describe('done', () => {
  test('counts all model calls of the turn, and those of no other', () => {
    const translator = createTranslator('m-1')
    const count = (
      inputTokens: number,
      cachedInputTokens: number,
      outputTokens: number,
      reasoningOutputTokens: number,
    ) => ({
      inputTokens,
      cachedInputTokens,
      outputTokens,
      reasoningOutputTokens,
    })
    translator.read(...tokens(count(1100, 540, 220, 55), count(100, 40, 20, 5)))
    translator.read(...tokens(count(1300, 600, 250, 60), count(200, 60, 30, 5)))
    // The same total again is no further call.
    translator.read(...tokens(count(1300, 600, 250, 60), count(200, 60, 30, 5)))
    expect(translator.finish('end_turn')).toEqual([
      {
        type: 'done',
        stopReason: 'end_turn',
        usage: { inputTokens: 300, outputTokens: 50, cachedTokens: 100, reasoningTokens: 10 },
        model: 'm-1',
      },
    ])
  })

  test('counts the tokens of the agents that the turn started, and nothing else of them', () => {
    const translator = createTranslator()
    const tell = (threadId: string, total: number, last: number) => ({
      threadId,
      tokenUsage: { total: { inputTokens: total }, last: { inputTokens: last } },
    })
    translator.read('thread/tokenUsage/updated', tell('t1', 50, 10))
    translator.readSubAgent('thread/tokenUsage/updated', tell('t2', 7, 7))
    translator.readSubAgent('thread/tokenUsage/updated', tell('t2', 12, 5))
    translator.readSubAgent('item/agentMessage/delta', { threadId: 't2', itemId: 'm', delta: 'x' })
    expect(translator.finish('end_turn')).toEqual([
      { type: 'done', stopReason: 'end_turn', usage: { inputTokens: 22 } },
    ])
  })

  test('counts nothing that nobody told', () => {
    const none = { inputTokens: 0, outputTokens: 0 }
    const spent = { inputTokens: 40, outputTokens: 9 }
    const usageOf = (totals: Totals, ...told: readonly Notification[]) => {
      const translator = createTranslator(undefined, totals)
      for (const [method, params] of told) translator.read(method, params)
      return translator.finish('max_tokens').flatMap((event) => (event.type === 'done' ? [event.usage] : []))
    }
    const totals = createTotals()
    expect(usageOf(totals, tokens(spent, none))).toEqual([undefined])
    // What is told in between is of the turn before.
    expect(usageOf(totals, tokens(spent, spent))).toEqual([undefined])
    const more = tokens({ inputTokens: 50, outputTokens: 12 }, none)
    expect(usageOf(totals, tokens(spent, spent), more)).toEqual([{ inputTokens: 10, outputTokens: 3 }])
  })

  test('tells the model that answered instead', () => {
    const translator = createTranslator('m-1')
    translator.read('model/rerouted', { fromModel: 'm-1', toModel: 'm-2' })
    expect(translator.finish('end_turn')).toEqual([{ type: 'done', stopReason: 'end_turn', model: 'm-2' }])
  })

  test.each([
    ['Incomplete response returned, reason: max_output_tokens', 'max_tokens'],
    ['Incomplete response returned, reason: content_filter', 'refusal'],
    ['Incomplete response returned, reason: other', undefined],
    ['stream disconnected', undefined],
  ] as const)('%s: %p', (message, expected) => {
    expect(cutShort({ message })).toBe(expected)
  })
})

test('what has another shape than expected is no event', () => {
  for (const params of [
    {},
    { item: 7 },
    { item: { type: 'agentMessage' } },
    { delta: 1, itemId: 2 },
    { error: null },
  ])
    for (const method of ['item/started', 'item/completed', 'item/agentMessage/delta', 'error', 'new/thing'])
      expect(translate([method, params])).toEqual([])
})
