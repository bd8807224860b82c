import { describe, expect, test } from 'bun:test'
import type { TurnEvent } from '../../src/agents/types.ts'
import { collect } from '../../src/engine/collect.ts'
import type { Turn } from '../../src/engine/types.ts'
import { ClinvkError } from '../../src/errors.ts'

describe('collect', () => {
  test('folds all events of a turn into its result', async () => {
    const result = await collect(
      turn([
        { type: 'init', agentSessionId: 'a', model: 'm1', agentVersion: '1.0' },
        { type: 'thinking', text: 'let me ' },
        { type: 'thinking', text: 'see' },
        { type: 'tool_use', id: 't1', name: 'read', input: { path: 'x' } },
        { type: 'tool_result', id: 't1', output: 'content', isError: false },
        { type: 'progress', message: 'retrying' },
        { type: 'text', text: 'it ' },
        { type: 'text', text: 'is' },
        { type: 'done', stopReason: 'max_tokens', usage: { inputTokens: 3 }, costUsd: 0.5, model: 'm2' },
      ]),
      () => 1500,
    )
    expect(result).toEqual({
      id: 'run_1',
      sessionId: 'ses_1',
      backend: 'fake',
      text: 'it is',
      thinking: 'let me see',
      toolCalls: [{ id: 't1', name: 'read', input: { path: 'x' }, output: 'content', isError: false }],
      calls: [],
      stopReason: 'max_tokens',
      usage: { inputTokens: 3 },
      costUsd: 0.5,
      model: 'm2',
      agentSessionId: 'a',
      agentVersion: '1.0',
      durationMs: 500,
    })
  })

  test('leaves out what the agent did not tell', async () => {
    const result = await collect(turn([{ type: 'done', stopReason: 'end_turn' }]), () => 1000)
    expect(Object.keys(result).sort()).toEqual([
      'backend',
      'calls',
      'durationMs',
      'id',
      'sessionId',
      'stopReason',
      'text',
      'thinking',
      'toolCalls',
    ])
  })

  test('names the model that was asked for where the agent names none', async () => {
    const result = await collect({ ...turn([{ type: 'done', stopReason: 'end_turn' }]), model: 'asked' })
    expect(result.model).toBe('asked')
  })

  test('keeps a call without a result, and a result without a call', async () => {
    const { toolCalls } = await collect(
      turn([
        { type: 'tool_use', id: 'a', name: 'run', input: 1 },
        { type: 'tool_result', id: 'b', output: 'x', isError: true },
        { type: 'done', stopReason: 'end_turn' },
      ]),
    )
    expect(toolCalls).toEqual([
      { id: 'a', name: 'run', input: 1 },
      { id: 'b', name: 'unknown', input: {}, output: 'x', isError: true },
    ])
  })

  test("gathers calls of the client's tools with their arguments as the model wrote them", async () => {
    const { calls } = await collect(
      turn([
        { type: 'call_start', id: 'a', name: 'f' },
        { type: 'call_delta', id: 'a', json: '{"x":' },
        { type: 'call_delta', id: 'a', json: ' 1}' },
        { type: 'call_end', id: 'a', name: 'f', input: { x: 1 } },
        { type: 'call_start', id: 'b', name: 'g' },
        { type: 'call_delta', id: 'b', json: '{}' },
        { type: 'call_end', id: 'b', name: 'g', input: {} },
        { type: 'done', stopReason: 'tool_calls' },
      ]),
    )
    expect(calls).toEqual([
      { id: 'a', name: 'f', input: { x: 1 }, json: '{"x": 1}' },
      { id: 'b', name: 'g', input: {}, json: '{}' },
    ])
  })

  test('fails with what the turn failed with', async () => {
    const failing = async function* (): AsyncGenerator<TurnEvent, void> {
      yield { type: 'text', text: 'half' }
      throw new ClinvkError('upstream_overloaded', 'busy')
    }
    await expect(collect({ ...turn([]), events: failing() })).rejects.toMatchObject({ status: 529 })
  })

  test('takes events that end without done for a failure', async () => {
    await expect(collect(turn([{ type: 'text', text: 'half' }]))).rejects.toMatchObject({
      code: 'agent_protocol',
    })
  })
})

function turn(events: TurnEvent[]): Turn {
  return {
    id: 'run_1',
    sessionId: 'ses_1',
    backend: 'fake',
    startedAt: 1000,
    events: (async function* () {
      yield* events
    })(),
  }
}
