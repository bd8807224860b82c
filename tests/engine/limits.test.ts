import { describe, expect, test } from 'bun:test'
import type { TurnEvent } from '../../src/agents/types.ts'
import { withMaxTurns, withParagraphs, withTimeouts } from '../../src/engine/limits.ts'

async function* from(...events: (TurnEvent | number)[]): AsyncGenerator<TurnEvent, void> {
  for (const event of events) {
    if (typeof event === 'number') await Bun.sleep(event)
    else yield event
  }
}
const text = (value: string, part?: string): TurnEvent => ({
  type: 'text',
  text: value,
  ...(part === undefined ? {} : { part }),
})
const use = (id: string): TurnEvent => ({ type: 'tool_use', id, name: 'read', input: {} })
const result = (id: string): TurnEvent => ({ type: 'tool_result', id, output: '', isError: false })
const done: TurnEvent = { type: 'done', stopReason: 'end_turn' }
const answer = async (events: AsyncIterable<TurnEvent>) =>
  (await Array.fromAsync(events)).map((event) => (event.type === 'text' ? event.text : '')).join('')

describe('withParagraphs', () => {
  test('parts blocks of an answer by one empty line, whatever they end with', async () => {
    expect(await answer(withParagraphs(from(text('a', '1'), text('b', '1'), text('c', '2'))))).toBe('ab\n\nc')
    expect(await answer(withParagraphs(from(text('a\n', '1'), text('b', '2'))))).toBe('a\n\nb')
    expect(await answer(withParagraphs(from(text('a\n', '1'), text('\n', '1'), text('b', '2'))))).toBe(
      'a\n\nb',
    )
    expect(await answer(withParagraphs(from(text('', '1'), text('a', '2'))))).toBe('a')
    expect(await answer(withParagraphs(from(text('a'), text('b'))))).toBe('ab')
  })
})

describe('withMaxTurns', () => {
  test('ends the turn before the model speaks once more than allowed', async () => {
    const events = [
      text('1'),
      use('a'),
      result('a'),
      text('2'),
      use('b'),
      use('c'),
      result('b'),
      result('c'),
      text('3'),
      done,
    ]
    const seen = async (limit: number | undefined) =>
      (await Array.fromAsync(withMaxTurns(from(...events), limit))).at(-1)
    expect(await answer(withMaxTurns(from(...events), 2))).toBe('12')
    expect(await seen(2)).toEqual({ type: 'done', stopReason: 'max_turns' })
    expect(await seen(3)).toEqual(done)
    expect(await seen(undefined)).toEqual(done)
  })

  test('leaves the agent when it ends the turn', async () => {
    let left = false
    async function* events(): AsyncGenerator<TurnEvent, void> {
      try {
        yield* from(use('a'), result('a'), text('2'))
      } finally {
        left = true
      }
    }
    await Array.fromAsync(withMaxTurns(events(), 1))
    expect(left).toBe(true)
  })
})

describe('withTimeouts', () => {
  const reasons = async (
    events: AsyncIterable<TurnEvent>,
    limits: { silenceMs?: number; totalMs?: number },
  ) => {
    const codes: string[] = []
    for await (const _ of withTimeouts(events, limits, (reason) => codes.push(reason.message)))
      await Bun.sleep(0)
    return codes
  }

  test('aborts for silence, but not while a tool runs', async () => {
    expect(await reasons(from(text('a'), 80, done), { silenceMs: 20 })).toEqual([
      expect.stringContaining('request_timeout_secs'),
    ])
    expect(await reasons(from(use('a'), 80, result('a'), done), { silenceMs: 20 })).toEqual([])
    expect(await reasons(from(use('a'), result('a'), 80, done), { silenceMs: 20 })).toHaveLength(1)
  })

  test('aborts when the whole turn takes too long, tools or not', async () => {
    expect(await reasons(from(use('a'), 30, text('x'), 80, done), { totalMs: 60 })).toEqual([
      expect.stringContaining('command_timeout_secs'),
    ])
  })

  test('does not count the time that the reader takes', async () => {
    const codes: string[] = []
    const events = withTimeouts(from(text('a'), text('b'), done), { silenceMs: 40, totalMs: 60 }, (reason) =>
      codes.push(reason.message),
    )
    for await (const _ of events) await Bun.sleep(50)
    expect(codes).toEqual([])
  })

  test('never fires where there is no limit', async () => {
    expect(await reasons(from(text('a'), 30, done), {})).toEqual([])
  })
})
