import { expect, test } from 'bun:test'
import { createWholeAnswers } from '../../../src/agents/codex/whole-answers.ts'

const told = (text: string, part = 'a') => [{ type: 'text' as const, text, part }]

test('an answer is told once, changed, when it is whole', () => {
  const answers = createWholeAnswers((text) => text.toUpperCase())
  answers.add('a', 'on')
  expect(answers.complete('a', 'one')).toEqual(told('ONE'))
  expect(answers.complete('a', 'one')).toEqual([])
  expect(answers.cut()).toEqual([])
  expect(answers.complete('b', '')).toEqual([])
})

test('what was written of one that was cut is told, from where it last began', () => {
  const answers = createWholeAnswers((text) => `${text}!`)
  answers.add('a', 'on')
  answers.begin()
  expect(answers.cut()).toEqual([])
  answers.add('a', 'o')
  answers.add('a', 'ne')
  expect(answers.cut()).toEqual(told('one!'))
  expect(answers.cut()).toEqual([])
})
