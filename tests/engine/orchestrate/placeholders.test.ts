import { describe, expect, test } from 'bun:test'
import { fillIn, placeholdersOf, type Source } from '../../../src/engine/orchestrate/placeholders.ts'

const names = new Map([
  ['one', 0],
  ['a b.output', 1],
  ['two', 2],
  ['last', 3],
])
const inStep = (index: number) => ({ index, names })

describe('placeholders', () => {
  const sources: [text: string, step: number, sources: Source[]][] = [
    ['{{input}}', 2, ['input']],
    ['{{previous}}', 2, [1]],
    ['{{previous}}', 0, ['input']],
    ['{{ previous }} and {{\tinput}}', 1, [0, 'input']],
    ['{{steps.one.output}}{{steps.a b.output.output}}', 2, [0, 1]],
    ['{{steps.one.output}} {{steps.one.output}}', 2, [0, 0]],
    ['{{{previous}}}', 1, [0]],
    ['{"a": {{"b": 1}}} \\frac{{1}}{{2}} {{}} {{ }} {{#each x}} {previous} {{previous}', 1, []],
    ['{{\nprevious}}', 1, []],
  ]
  test.each(sources)('%s in step %i', (text, step, expected) => {
    expect(placeholdersOf(text, inStep(step)).map(({ source }) => source)).toEqual(expected)
  })

  const wrong: [text: string, problem: RegExp][] = [
    ['{{prevous}}', /not known.*Did you mean \{\{previous\}\}\?/],
    [
      '{{user.name}}',
      /not known here\. Known: \{\{previous\}\}, \{\{input\}\} and \{\{steps\.NAME\.output\}\}/,
    ],
    ['{{steps.one}}', /not known/],
    ['{{steps.ones.output}}', /names no step\. Did you mean \{\{steps\.one\.output\}\}\?/],
    ['{{steps.nobody.output}}', /names no step\.$/],
    ['{{steps.two.output}}', /its own step/],
    ['{{steps.last.output}}', /a later step/],
  ]
  test.each(wrong)('%s is refused', (text, problem) => {
    expect(placeholdersOf(text, inStep(2))).toEqual([
      { written: text, source: { problem: expect.stringMatching(problem) } },
    ])
  })
})

describe('filling in', () => {
  test('replaces placeholders and nothing else', () => {
    const text = 'a {{previous}} {{ input }} {{steps.one.output}} {{1}} $& {x}'
    expect(fillIn(text, inStep(2), (source) => `<${source}>`)).toBe('a <1> <input> <0> {{1}} $& {x}')
  })

  test('does not look into what it puts in', () => {
    expect(fillIn('{{previous}}', inStep(1), () => "{{input}} $1 $& $'")).toBe("{{input}} $1 $& $'")
  })
})

test('a prompt of very many spaces or braces is read at once', () => {
  const scope = { index: 1, names: new Map() }
  for (const text of [
    `{{steps.${' '.repeat(1_000_000)}`,
    '{{'.repeat(500_000),
    `{{a${'\t'.repeat(1_000_000)}`,
  ])
    expect(placeholdersOf(text, scope)).toEqual([])
})
