import { describe, expect, test } from 'bun:test'
import { Type } from '@sinclair/typebox'
import { ClinvkError } from '../../src/errors.ts'
import { createCheck } from '../../src/server/validate.ts'

const Part = Type.Union([
  Type.Object({ type: Type.Literal('text'), text: Type.String() }),
  Type.Object({
    type: Type.Literal('image'),
    url: Type.Union([Type.String(), Type.Object({ url: Type.String() })]),
  }),
])
const Message = Type.Union([
  Type.Object({
    role: Type.Union([Type.Literal('system'), Type.Literal('developer')]),
    content: Type.String(),
  }),
  Type.Object({
    role: Type.Literal('user'),
    content: Type.Union([Type.Union([Type.String(), Type.Array(Part)]), Type.Null()]),
  }),
])
const check = createCheck(
  Type.Object({
    messages: Type.Array(Message),
    stop: Type.Optional(Type.Union([Type.Integer(), Type.Null()])),
  }),
)

describe('a value that fits no member of a union', () => {
  const mistakes: [message: unknown, complaint: string][] = [
    [{ role: 'user', content: 5 }, 'messages[0].content is 5, expected a text or a list.'],
    [{ role: 'system', content: 5 }, 'messages[0].content is 5, expected a text.'],
    [{ role: 'user' }, 'messages[0].content is missing: expected a text or a list.'],
    [
      { role: 'usr', content: '' },
      'messages[0].role is "usr", expected one of "system", "developer", "user". Did you mean "user"?',
    ],
    [{ content: '' }, 'messages[0].role is missing: expected one of "system", "developer", "user".'],
    [
      { role: 'user', content: [{ type: 'text' }] },
      'messages[0].content[0].text is missing: expected a text.',
    ],
    [
      { role: 'user', content: [{ type: 'txt' }] },
      'messages[0].content[0].type is "txt", expected one of "text", "image". Did you mean "text"?',
    ],
    [
      {
        role: 'user',
        content: [
          { type: 'text', text: '' },
          { type: 'image', url: {} },
        ],
      },
      'messages[0].content[1].url.url is missing: expected a text.',
    ],
    [
      { role: 'user', content: [{ type: 'image', url: 5 }] },
      'messages[0].content[0].url is 5, expected a text or an object.',
    ],
    ['x', 'messages[0] is "x", expected an object.'],
  ]
  test.each(mistakes)('is told of where it is wrong: %p', (message, complaint) => {
    expect(complaintAbout({ messages: [message] })).toBe(complaint)
  })

  test('is not told to be null where it may be', () => {
    expect(complaintAbout({ messages: [], stop: 'x' })).toBe('stop is "x", expected a whole number.')
  })
})

function complaintAbout(value: unknown): string {
  try {
    check(value)
  } catch (error) {
    if (error instanceof ClinvkError) return error.message
  }
  return 'none'
}
