import { expect, test } from 'bun:test'
import { callInput } from '../../../src/server/chat/call-input.ts'

test.each([
  ['{"city":"Rome"}', { city: 'Rome' }],
  ['', {}],
  [' ', {}],
  ['{"city": "Ro', { arguments: '{"city": "Ro' }],
  ['5', { arguments: '5' }],
  ['[1]', { arguments: '[1]' }],
  ['null', { arguments: 'null' }],
])('the arguments %j of an earlier call are %j', (text, input) => {
  expect(callInput(text)).toEqual(input)
})
