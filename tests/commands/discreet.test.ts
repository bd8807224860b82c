import { expect, test } from 'bun:test'
import { createCleaner, discreet, secretsOf } from '../../src/commands/doctor/discreet.ts'

const SECRET = 'sk-quite-secret-and-long'
const clean = (text: string, secret = SECRET) => createCleaner([secret])(text)

test.each([
  ['a colour', `sk-quite\u001b[31m-secret\u001b[0m-and-long`],
  ['a title of the window', `sk-quite\u001b]0;title\u0007-secret-and-long`],
  ['control characters', `sk-quite\u0000-secret\u0007-and-long`],
  ['characters of no width', `sk-quite\u200b-secret\u2060-and-long`],
])('a secret is found that has %s in the middle', (_, text) => {
  expect(clean(`The key ${text} is wrong.\r\nReally.`)).toBe('The key *** is wrong. Really.')
})

test('a secret of several lines is found in one', () => {
  expect(clean('It is first line\nsecond line.', 'first line\nsecond line\n')).toBe('It is ***.')
})

test('the beginning of a secret is found where it ends the text', () => {
  expect(clean(`It says sk-quite-sec`)).toBe('It says ***')
  expect(clean(`It says sk-qu`)).toBe('It says sk-qu')
})

test('what begins like a path is a secret, unless something is there', () => {
  const key = '/9j/4AAQSkZJRgABAQAAAQ'
  expect(clean(`The key ${key} is wrong.`, key)).toBe('The key *** is wrong.')
  expect(clean(`${import.meta.path} is no key.`, import.meta.path)).toBe(`${import.meta.path} is no key.`)
})

test('a secret that is longer than what is shown is struck out whole, in messages, advice and facts', () => {
  const secret = `sk-${'x'.repeat(900)}`
  const text = `${'a word '.repeat(65)}${secret}`
  const secrets = secretsOf({ OPENAI_API_KEY: secret })
  const [check] = discreet(
    [{ part: 'ask', status: 'fail', message: text, todo: text, facts: { answer: text, ms: 1 } }],
    createCleaner(secrets),
  )
  expect(JSON.stringify(check)).not.toContain('sk-')
  expect(check?.facts?.['ms']).toBe(1)
})
