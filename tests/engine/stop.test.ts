import { describe, expect, test } from 'bun:test'
import type { TurnEvent } from '../../src/agents/types.ts'
import { withStop } from '../../src/engine/stop.ts'

async function* from(
  pieces: readonly (string | TurnEvent)[],
  onEnd = () => {},
): AsyncGenerator<TurnEvent, void> {
  try {
    for (const piece of pieces) yield typeof piece === 'string' ? { type: 'text', text: piece } : piece
    yield { type: 'done', stopReason: 'end_turn' }
  } finally {
    onEnd()
  }
}
async function read(pieces: readonly (string | TurnEvent)[], stop: readonly string[] | undefined) {
  const events = await Array.fromAsync(withStop(from(pieces), stop))
  const text = events.map((event) => (event.type === 'text' ? event.text : '')).join('')
  const done = events.at(-1)
  return [text, done?.type === 'done' ? (done.stopSequence ?? done.stopReason) : 'no end']
}

describe('withStop', () => {
  test.each([
    [['one END two'], ['END'], 'one ', 'END'],
    [['one E', 'N', 'D two'], ['END'], 'one ', 'END'],
    [['END'], ['END'], '', 'END'],
    [['aab'], ['ab'], 'a', 'ab'],
    [['a', 'a', 'b'], ['ab'], 'a', 'ab'],
    [['x\n', '\ny'], ['\n\n'], 'x', '\n\n'],
    [['second first'], ['first', 'second'], '', 'second'],
    [['stop it'], ['stop', 'stop it'], '', 'stop it'],
    [['one EN'], ['END'], 'one EN', 'end_turn'],
    [['no match'], ['', 'zzz'], 'no match', 'end_turn'],
    [['END'], [], 'END', 'end_turn'],
    [['END'], undefined, 'END', 'end_turn'],
    [['€', '😀', 'x'], ['😀'], '€', '😀'],
  ] as const)('reads %p with %p as %p, ended by %p', async (pieces, stop, text, end) => {
    expect(await read(pieces, stop)).toEqual([text, end])
  })

  test('hands on at once what cannot begin a sequence', async () => {
    const events = withStop(from(['hello E', 'verybody']), ['END'])[Symbol.asyncIterator]()
    expect(await events.next()).toEqual({ done: false, value: { type: 'text', text: 'hello ' } })
    expect(await events.next()).toEqual({ done: false, value: { type: 'text', text: 'Everybody' } })
    await events.return?.()
  })

  test('does not look for a sequence across a tool call, and keeps the order', async () => {
    const use: TurnEvent = { type: 'tool_use', id: '1', name: 'x', input: {} }
    const events = await Array.fromAsync(withStop(from(['a E', use, 'ND b']), ['END']))
    expect(events.map((event) => (event.type === 'text' ? event.text : event.type))).toEqual([
      'a ',
      'E',
      'tool_use',
      'ND b',
      'done',
    ])
  })

  test('leaves the turn, so that the agent is interrupted', async () => {
    let left = false
    const events = from(['END', 'more'], () => {
      left = true
    })
    await Array.fromAsync(withStop(events, ['END']))
    expect(left).toBe(true)
  })
})
