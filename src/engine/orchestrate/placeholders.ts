import { nearest } from '../../config/nearest.ts'

/**
 * `{{previous}}`, `{{input}}` and `{{steps.NAME.output}}`. Other text in double braces that could not be a name, such as
 * JSON or LaTeX, is text.
 */
const PLACEHOLDER = /\{\{[ \t]*(steps\.[^{}\n]*|[A-Za-z_][\w.-]*[ \t]*)\}\}/g

/** Where a placeholder's text comes from: what the chain was given, or the step of this number. */
export type Source = 'input' | number

/** What a prompt of a chain may refer to. */
export interface Scope {
  /** The number of the prompt's own step. */
  readonly index: number
  /** The numbers of the steps that have a name. */
  readonly names: ReadonlyMap<string, number>
}

/** The placeholders of a prompt: where each gets its text from, or why it cannot. */
export function placeholdersOf(
  text: string,
  scope: Scope,
): { readonly written: string; readonly source: Source | { readonly problem: string } }[] {
  return [...text.matchAll(PLACEHOLDER)].map(([written, name = '']) => ({
    written,
    source: sourceOf(name, scope),
  }))
}

/** A prompt with its placeholders replaced. What is put in is not looked at again. */
export function fillIn(text: string, scope: Scope, textFrom: (source: Source) => string): string {
  return text.replace(PLACEHOLDER, (written, name: string) => {
    const source = sourceOf(name, scope)
    return typeof source === 'object' ? written : textFrom(source)
  })
}

function sourceOf(inner: string, { index, names }: Scope): Source | { readonly problem: string } {
  const name = inner.trimEnd()
  if (name === 'input') return 'input'
  if (name === 'previous') return index === 0 ? 'input' : index - 1
  const step = /^steps\.(.+)\.output$/.exec(name)?.[1]
  if (step === undefined) {
    const meant = nearest(name, ['previous', 'input'])
    return {
      problem: `is not known here.${meant === undefined ? '' : ` Did you mean {{${meant}}}?`} Known: {{previous}}, {{input}} and {{steps.NAME.output}}. Text that has such braces of its own can be given as input.`,
    }
  }
  const found = names.get(step)
  if (found === undefined) {
    const meant = nearest(step, names.keys())
    return {
      problem: `names no step.${meant === undefined ? '' : ` Did you mean {{steps.${meant}.output}}?`}`,
    }
  }
  if (found >= index)
    return { problem: `names ${found === index ? 'its own step' : 'a later step'}, which has no output yet.` }
  return found
}
