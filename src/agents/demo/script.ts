import { DIRECTIVES } from './directives.ts'
import type { Step } from './steps.ts'
import { isProblem, type Problem } from './values.ts'

/**
 * Reads a prompt as a script. A line that starts with `demo:` holds steps, separated by `;`; they are taken in
 * order, and the other lines are not answered. A prompt without such a line is echoed. A mistake in one step
 * turns the whole script into an explanation, so that nothing is ever done halfway or left out in silence.
 */
export function parseScript(prompt: string): readonly Step[] {
  const steps: Step[] = []
  let last: string | undefined
  for (const line of prompt.split(/\r?\n/)) {
    const [, directives] = /^\s*demo:(.*)$/.exec(line) ?? []
    if (directives === undefined) continue
    const sources = splitSteps(directives)
    if (isProblem(sources)) return explain(sources)
    if (sources.length === 0) return explain({ problem: 'nothing stands behind "demo:"' })
    for (const source of sources) {
      if (last !== undefined)
        return explain({ problem: `"${source}" would never run, because "${last}" ends the turn` })
      const step = parseStep(source)
      if (isProblem(step)) return explain(step)
      steps.push(step)
      if (DIRECTIVES[nameOf(source)]?.last) last = source
    }
  }
  return steps.length === 0 ? [{ type: 'echo' }] : steps
}

function explain({ problem }: Problem): readonly Step[] {
  return [{ type: 'help', problem }]
}

/** Splits at `;` but for those within double quotes, where a backslash takes the next character's meaning away. */
function splitSteps(source: string): readonly string[] | Problem {
  const [whole = ''] = /^(?:[^"]|"(?:[^"\\]|\\.)*")*/.exec(source) ?? []
  if (whole.length < source.length) return { problem: `a double quote is never closed in "${source.trim()}"` }
  const steps = source.match(/(?:[^";]|"(?:[^"\\]|\\.)*")+/g) ?? []
  return steps.map((step) => step.trim()).filter((step) => step !== '')
}

function nameOf(source: string): string {
  return /^[^\s=]*/.exec(source)?.[0] ?? ''
}

function parseStep(source: string): Step | Problem {
  const name = nameOf(source)
  const directive = Object.hasOwn(DIRECTIVES, name) ? DIRECTIVES[name] : undefined
  if (!directive) return { problem: `"${name}" is no directive` }
  const rest = source.slice(name.length).trimStart()
  if (rest !== '' && !rest.startsWith('='))
    return { problem: `"${source}" is not understood: ${directive.usage} is how it is written` }
  const step = directive.parse(rest === '' ? undefined : rest.slice(1).trim())
  return isProblem(step) ? { problem: `"${source}" is not understood: ${step.problem}` } : step
}
