import { describe, expect, test } from 'bun:test'
import { parseScript } from '../../../src/agents/demo/script.ts'
import type { Step } from '../../../src/agents/demo/steps.ts'

describe('a prompt without a directive is echoed', () => {
  const cases = [
    '',
    'hello',
    'this demo: hang is within a line',
    'demo hang',
    'Demo: hang',
    'a\ndemonstration: b',
  ]
  test.each(cases)('%p', (prompt) => expect(parseScript(prompt)).toEqual([{ type: 'echo' }]))
})

describe('a directive becomes a step', () => {
  const cases: [string, Step][] = [
    ['say=Grüße,  👋 you', { type: 'say', text: 'Grüße,  👋 you' }],
    ['say="a; \\"b\\"\\n"', { type: 'say', text: 'a; "b"\n' }],
    ['say = it said "so; there"', { type: 'say', text: 'it said "so; there"' }],
    ['think=hm', { type: 'think', text: 'hm' }],
    ['think', { type: 'think', text: 'Thinking as the prompt asked me to.' }],
    ['tokens=0', { type: 'tokens', count: 0, delayMs: 0 }],
    ['tokens=100 delay=20ms size=8', { type: 'tokens', count: 100, delayMs: 20, bytes: 8 }],
    ['tokens=3 size=1 delay=0.5s', { type: 'tokens', count: 3, delayMs: 500, bytes: 1 }],
    ['tool=read_file', { type: 'tool', name: 'read_file', input: {}, fails: false }],
    ['tool=sh {"a":"b;c"}', { type: 'tool', name: 'sh', input: { a: 'b;c' }, fails: false }],
    ['tool-fails=sh', { type: 'tool', name: 'sh', input: {}, fails: true }],
    ['ask', { type: 'ask', name: 'write_file', input: { path: 'demo.txt' } }],
    ['ask=run_command {"command":"ls"}', { type: 'ask', name: 'run_command', input: { command: 'ls' } }],
    ['wait=2', { type: 'wait', ms: 2 }],
    ['history', { type: 'history' }],
    ['session', { type: 'session' }],
    ['ignore-cancel', { type: 'ignore-cancel' }],
    ['stop=max_tokens', { type: 'stop', reason: 'max_tokens' }],
    ['fail=401', { type: 'fail', status: 401, message: 'The API key is invalid.' }],
    ['fail=503', { type: 'fail', status: 503, message: 'Failed with status 503.' }],
    ['fail=400 prompt is too long', { type: 'fail', status: 400, message: 'prompt is too long' }],
    ['fail=429', { type: 'fail', status: 429, message: 'Too many requests.', retryAfterMs: 1000 }],
    [
      'fail=429 retry-after=7s',
      { type: 'fail', status: 429, message: 'Too many requests.', retryAfterMs: 7000 },
    ],
    ['fail=529 retry-after=5 later', { type: 'fail', status: 529, message: 'later', retryAfterMs: 5 }],
    ['not-logged-in', { type: 'not-logged-in' }],
    ['hang', { type: 'hang' }],
    ['crash', { type: 'crash', exitCode: 1 }],
    ['crash=0', { type: 'crash', exitCode: 0 }],
    ['help', { type: 'help' }],
  ]
  test.each(cases)('%s', (source, step) => expect(parseScript(`demo: ${source}`)).toEqual([step]))
})

test('steps are taken in order, from several lines and from one', () => {
  const steps = parseScript('Please:\r\n  demo:think=a; say=b;\r\nand then\r\ndemo: hang')
  expect(steps).toEqual([{ type: 'think', text: 'a' }, { type: 'say', text: 'b' }, { type: 'hang' }])
})

describe('a mistake is explained and nothing is done', () => {
  const cases: [string, string][] = [
    ['demo:', 'nothing stands behind "demo:"'],
    ['demo: ; ', 'nothing stands behind "demo:"'],
    ['demo: dance', '"dance" is no directive'],
    ['demo: constructor', '"constructor" is no directive'],
    [
      'demo: say=ok; tokens=ten',
      '"tokens=ten" is not understood: it needs a whole number from 0 to 100000000',
    ],
    ['demo: tokens', '"tokens" is not understood: it needs a whole number from 0 to 100000000'],
    ['demo: tokens=1 pace=3', '"tokens=1 pace=3" is not understood: "pace=3" is none of delay= size='],
    ['demo: tokens=1 delay=1 delay=2', '"tokens=1 delay=1 delay=2" is not understood: delay is given twice'],
    [
      'demo: tokens=1 size=0',
      '"tokens=1 size=0" is not understood: size: it needs a whole number from 1 to 83886080',
    ],
    ['demo: wait=-1', '"wait=-1" is not understood: it needs a time such as 20ms or 1.5s, at most 3600s'],
    [
      'demo: wait=3601s',
      '"wait=3601s" is not understood: it needs a time such as 20ms or 1.5s, at most 3600s',
    ],
    ['demo: say=', '"say=" is not understood: it needs a text'],
    [
      'demo: say="a" b',
      '"say="a" b" is not understood: a text that starts with a double quote must be a JSON string',
    ],
    ['demo: say="a', 'a double quote is never closed in "say="a"'],
    ['demo: tool', '"tool" is not understood: it needs the name of a tool'],
    [
      'demo: tool=a [1]',
      '"tool=a [1]" is not understood: the arguments of a must be a JSON object such as {"path":"demo.txt"}',
    ],
    ['demo: hang now', '"hang now" is not understood: hang is how it is written'],
    ['demo: hang=1', '"hang=1" is not understood: it takes no value'],
    ['demo: fail=200', '"fail=200" is not understood: it needs a whole number from 400 to 599'],
    [
      'demo: fail=429 retry-after=soon',
      '"fail=429 retry-after=soon" is not understood: retry-after: it needs a time such as 20ms or 1.5s, at most 3600s',
    ],
    [
      'demo: stop=now',
      '"stop=now" is not understood: it needs one of end_turn, max_tokens, max_turn_requests, refusal',
    ],
    ['demo: crash=256', '"crash=256" is not understood: it needs a whole number from 0 to 255'],
    ['demo: fail=500; say=x', '"say=x" would never run, because "fail=500" ends the turn'],
    ['demo: hang\ndemo: say=x', '"say=x" would never run, because "hang" ends the turn'],
  ]
  test.each(cases)('%p', (prompt, problem) =>
    expect(parseScript(prompt)).toEqual([{ type: 'help', problem }]),
  )
})
