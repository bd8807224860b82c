import type { Engine, TurnRequest } from '../types.ts'
import { checkEach, inList, planTask, type WrongPart, wrongParts } from './check.ts'
import { placeholdersOf, type Scope } from './placeholders.ts'
import type { PlannedTask, Task } from './types.ts'

/** One step of a chain. Its prompt may have placeholders. */
export interface Step extends Task {
  readonly name?: string
}

/** Prompts of which each may build on those before. */
export interface Chain {
  readonly steps: readonly Step[]
  /** The text of `{{input}}`. */
  readonly input?: string
  /** Nothing is run after a step that was not completed. */
  readonly stopOnFailure: boolean
  /** A step without a folder works where the one before did. */
  readonly passWorkdir: boolean
  /** A step goes on in the session of an earlier one with the same backend and folder. */
  readonly passSession: boolean
}

/** A chain that was checked. */
export interface PlannedChain extends Chain {
  readonly steps: readonly (Step & PlannedTask)[]
}

/** What the prompts of a chain may refer to, step by step. */
export function scopesOf(steps: readonly Step[]): Scope[] {
  const names = new Map(steps.flatMap(({ name }, index) => (name === undefined ? [] : [[name, index]])))
  return steps.map((_, index) => ({ index, names }))
}

/** The texts of a prompt, which are what may hold placeholders. */
export function textsOf({ parts }: TurnRequest): string[] {
  return parts.flatMap((part) => (part.type === 'text' ? [part.text] : []))
}

/**
 * Checks a chain before anything of it runs: its names, its placeholders, and every step as if it were to be run now.
 *
 * @throws ClinvkError that names everything that is wrong.
 */
export async function planChain(engine: Pick<Engine, 'plan'>, chain: Chain): Promise<PlannedChain> {
  const wrong = [...wrongNames(chain), ...wrongPlaceholders(chain)]
  if (wrong.length > 0) throw wrongParts(wrong)
  let workdir: string | undefined
  const steps = await checkEach(chain.steps, inList('steps'), async (step) => {
    const planned = await planTask(engine, chain.passWorkdir ? workingIn(step, workdir) : step)
    workdir = planned.plan.workdir
    return planned
  })
  return { ...chain, steps }
}

/** A session has its own folder. */
function workingIn(step: Step, workdir: string | undefined): Step {
  const { request } = step
  if (workdir === undefined || request.workdir !== undefined || request.sessionId !== undefined) return step
  return { ...step, request: { ...request, workdir } }
}

function wrongNames({ steps }: Chain): WrongPart[] {
  const first = new Map<string, number>()
  return steps.flatMap(({ name }, index) => {
    if (name === undefined) return []
    const before = first.get(name)
    if (before === undefined) first.set(name, index)
    return before === undefined
      ? []
      : [{ path: `steps[${index}].name`, message: `is also the name of steps[${before}].` }]
  })
}

function wrongPlaceholders({ steps, input }: Chain): WrongPart[] {
  const scopes = scopesOf(steps)
  const found = steps.flatMap(({ request, dryRun }, index) =>
    textsOf(request).flatMap((text) =>
      placeholdersOf(text, scopes[index] ?? { index, names: new Map() }).map((placeholder) => ({
        ...placeholder,
        path: `steps[${index}].prompt`,
        dryRun,
      })),
    ),
  )
  const wrong = found.flatMap(({ path, written, source, dryRun }): WrongPart[] => {
    if (typeof source === 'object') return [{ path, message: `has ${written}, which ${source.problem}` }]
    if (source === 'input')
      return input === undefined ? [{ path, message: `has ${written}, but there is no input.` }] : []
    if (dryRun || !steps[source]?.dryRun) return []
    return [{ path, message: `has ${written}, but steps[${source}] is a dry run and has no output.` }]
  })
  if (input !== undefined && wrong.length === 0 && !found.some(({ source }) => source === 'input'))
    return [{ path: 'input', message: 'is used by no step: put {{input}} into a prompt.' }]
  return wrong
}
