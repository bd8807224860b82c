import { describe, expect, test } from 'bun:test'
import { takeTurn } from '../../src/agents/take-turn.ts'
import type { TurnEvent } from '../../src/agents/types.ts'
import { ClinvkError } from '../../src/errors.ts'
import { createChannel } from '../../src/process/channel.ts'

const text: TurnEvent = { type: 'text', text: 'x' }
const done: TurnEvent = { type: 'done', stopReason: 'end_turn' }

function openTurn({ listens = true } = {}) {
  const events = createChannel<TurnEvent>()
  const settled = Promise.withResolvers<void>()
  const log: string[] = []
  const turn = {
    events,
    settled: settled.promise,
    async interrupt() {
      log.push('interrupt')
      if (listens) settled.resolve()
    },
    async kill() {
      log.push('kill')
      settled.resolve()
    },
  }
  return { turn, events, settle: settled.resolve, log }
}

describe('takeTurn', () => {
  test('leaves an agent alone that ended its turn by itself', async () => {
    const { turn, events, settle, log } = openTurn()
    await events.push(text)
    await events.push(done)
    events.end()
    settle()
    expect(await Array.fromAsync(takeTurn(turn, new AbortController().signal))).toEqual([text, done])
    expect(log).toEqual([])
  })

  test('leaves a turn alone that waits for results, and goes on with it', async () => {
    const { turn, events, settle, log } = openTurn()
    const { signal } = new AbortController()
    const waits: TurnEvent = { type: 'done', stopReason: 'tool_calls' }
    for (const event of [text, waits, text, done]) await events.push(event)
    expect(await Array.fromAsync(takeTurn(turn, signal))).toEqual([text, waits])
    events.end()
    settle()
    expect(await Array.fromAsync(takeTurn(turn, signal))).toEqual([text, done])
    expect(log).toEqual([])
  })

  test('interrupts once and throws cancelled when the signal aborts', async () => {
    const { turn, log } = openTurn()
    const leaving = new AbortController()
    const next = takeTurn(turn, leaving.signal).next()
    leaving.abort()
    await expect(next).rejects.toMatchObject({ code: 'cancelled' })
    expect(log).toEqual(['interrupt'])
  })

  test('throws the first cause where the signal has one of ours', async () => {
    const { turn } = openTurn()
    const leaving = new AbortController()
    leaving.abort(new ClinvkError('timeout', 'too slow'))
    await expect(takeTurn(turn, leaving.signal).next()).rejects.toMatchObject({ code: 'timeout' })
  })

  test('ends an agent that does not answer the interrupt', async () => {
    const { turn, log } = openTurn({ listens: false })
    const leaving = new AbortController()
    const next = takeTurn(turn, leaving.signal, 20).next()
    leaving.abort()
    await expect(next).rejects.toMatchObject({ code: 'cancelled' })
    expect(log).toEqual(['interrupt', 'kill'])
  })

  test('interrupts the agent when its reader leaves early', async () => {
    const { turn, events, log } = openTurn()
    await events.push(text)
    for await (const _ of takeTurn(turn, new AbortController().signal)) break
    expect(log).toEqual(['interrupt'])
  })

  test('does not interrupt an agent whose reader leaves with the last event', async () => {
    const { turn, events, settle, log } = openTurn()
    await events.push(done)
    settle()
    for await (const _ of takeTurn(turn, new AbortController().signal)) break
    expect(log).toEqual([])
  })

  test('stops an agent that goes on after its turn failed', async () => {
    const { turn, events, log } = openTurn()
    events.end(new ClinvkError('agent_protocol', 'nonsense'))
    await expect(takeTurn(turn, new AbortController().signal).next()).rejects.toMatchObject({
      code: 'agent_protocol',
    })
    expect(log).toEqual(['interrupt'])
  })
})
