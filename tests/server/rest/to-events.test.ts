import { describe, expect, test } from 'bun:test'
import { Value } from '@sinclair/typebox/value'
import type { TurnEvent } from '../../../src/agents/types.ts'
import { ClinvkError } from '../../../src/errors.ts'
import { StreamEvent } from '../../../src/server/rest/schema.ts'
import { createEventWriter, type EventOptions } from '../../../src/server/rest/to-events.ts'

const cases: [event: TurnEvent, type: string, content: unknown][] = [
  [
    { type: 'init', agentSessionId: 'a', model: 'm', agentVersion: '1' },
    'init',
    { id: 'run_1', model: 'm', agent_session_id: 'a', agent_version: '1' },
  ],
  [{ type: 'init' }, 'init', { id: 'run_1' }],
  [{ type: 'text', text: 'hé', part: 'p1' }, 'message', 'hé'],
  [{ type: 'thinking', text: 'hm' }, 'thinking', 'hm'],
  [
    { type: 'tool_use', id: 't', name: 'run', input: { a: 1 } },
    'tool_use',
    { id: 't', name: 'run', input: { a: 1 } },
  ],
  [
    { type: 'tool_use', id: 't', name: 'run', input: undefined },
    'tool_use',
    { id: 't', name: 'run', input: null },
  ],
  [
    { type: 'tool_result', id: 't', output: 'o', isError: true },
    'tool_result',
    { id: 't', output: 'o', is_error: true },
  ],
  [
    { type: 'approval', toolId: 't', tool: 'run', decision: 'denied', reason: 'nobody to ask' },
    'progress',
    { kind: 'approval', message: 'nobody to ask', tool: 'run', tool_id: 't', decision: 'denied' },
  ],
  [{ type: 'progress', message: 'retry', data: { n: 1 } }, 'progress', { kind: 'notice', message: 'retry' }],
  [
    {
      type: 'done',
      stopReason: 'max_turns',
      usage: { inputTokens: 1, cachedTokens: 0, cacheCreationTokens: 4 },
      costUsd: 0,
      model: 'm2',
    },
    'done',
    {
      id: 'run_1',
      model: 'm2',
      exit_code: 0,
      stop_reason: 'max_turns',
      duration_ms: 500,
      token_usage: { input_tokens: 1, cached_tokens: 0 },
      cost_usd: 0,
    },
  ],
  [
    { type: 'done', stopReason: 'end_turn', usage: {} },
    'done',
    { id: 'run_1', exit_code: 0, stop_reason: 'end_turn', duration_ms: 500 },
  ],
]

describe('an event', () => {
  for (const [event, type, content] of cases)
    test(`${JSON.stringify(event)} is told as it is described`, () => {
      const told = writer().toEvent(event)
      expect(told).toEqual({
        type,
        backend: 'fake',
        session_id: 'ses_1',
        timestamp: '1970-01-01T00:00:01.500Z',
        sequence: 1,
        content,
      } as StreamEvent)
      expect([...Value.Errors(StreamEvent, told)]).toEqual([])
    })

  test('tells its details where it is asked to', () => {
    const told = writer({ verbose: true }).toEvent({ type: 'progress', message: 'retry', data: { n: 1 } })
    expect(told.content).toEqual({ kind: 'notice', message: 'retry', data: { n: 1 } })
  })
})

test('all events of a turn are numbered in one row, the error too', () => {
  const write = writer()
  const events = [
    write.toEvent({ type: 'text', text: 'a' }),
    write.heartbeat(),
    write.toEvent({ type: 'text', text: 'b' }),
    write.error(new ClinvkError('timeout', 'Too slow.'), 'request-1'),
  ]
  expect(events.map(({ type, sequence }) => [type, sequence])).toEqual([
    ['message', 1],
    // No event of the run: it has the number of the one before.
    ['progress', 1],
    ['message', 2],
    ['error', 3],
  ])
  for (const event of events) expect([...Value.Errors(StreamEvent, event)]).toEqual([])
  expect(events[3]?.content).toMatchObject({ code: 'timeout', status: 504, instance: 'urn:uuid:request-1' })
})

test('what init told is told again at the end, with the metadata', () => {
  const write = writer({ metadata: { ticket: 7 } })
  write.toEvent({ type: 'init', agentSessionId: 'a', model: 'm' })
  expect(write.toEvent({ type: 'done', stopReason: 'end_turn' }).content).toEqual({
    id: 'run_1',
    model: 'm',
    agent_session_id: 'a',
    exit_code: 0,
    stop_reason: 'end_turn',
    duration_ms: 500,
    metadata: { ticket: 7 },
  })
})

function writer(options: Partial<EventOptions> = {}) {
  const turn = { id: 'run_1', sessionId: 'ses_1', backend: 'fake', startedAt: 1000 }
  return createEventWriter(turn, { verbose: false, now: () => 1500, ...options })
}
