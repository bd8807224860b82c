import { ClinvkError, type ErrorCode, toClinvkError } from '../../errors.ts'
import type { Engine } from '../types.ts'
import type { PlannedTask, Task } from './types.ts'

/** Where a field of one of several prompts stands in the whole: `tasks[1].model`. The field is empty for all of it. */
export type PathOf = (index: number, field: string) => string

/** The path of a field in a list of prompts. */
export function inList(list: string): PathOf {
  return (index, field) => (field === '' ? `${list}[${index}]` : `${list}[${index}].${field}`)
}

/**
 * Checks every task as if it were to be run now. What they name by default is settled with that.
 *
 * @throws ClinvkError that names what is wrong with each.
 */
export async function planTasks<T extends Task>(
  engine: Pick<Engine, 'plan'>,
  tasks: readonly T[],
  pathOf: PathOf,
): Promise<(T & PlannedTask)[]> {
  return await checkEach(tasks, pathOf, (task) => planTask(engine, task))
}

/** @throws what {@link Engine.plan} throws. */
export async function planTask<T extends Task>(engine: Pick<Engine, 'plan'>, task: T) {
  const plan = await engine.plan(task.request)
  return { ...task, request: { ...task.request, backend: plan.backend }, plan }
}

/**
 * Does the same with each of several prompts, one after another.
 *
 * @throws ClinvkError that names everything that was thrown, with its place.
 */
export async function checkEach<T, R>(
  items: readonly T[],
  pathOf: PathOf,
  check: (item: T, index: number) => R | Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  const refusals: ClinvkError[] = []
  for (const [index, item] of items.entries())
    try {
      results.push(await check(item, index))
    } catch (error) {
      refusals.push(located(toClinvkError(error), index, pathOf))
    }
  if (refusals.length > 0) throw together(refusals)
  return results
}

/** One thing that is wrong with a field of several prompts. */
export interface WrongPart {
  readonly path: string
  readonly message: string
}

/** The error for what only the prompts together have wrong. */
export function wrongParts(errors: readonly WrongPart[]): ClinvkError {
  const shown = errors.slice(0, MAX_ERRORS)
  return new ClinvkError('invalid_request', shown.map(sentence).join(' '), { details: { errors: shown } })
}

/** Enough to mend a request with. */
const MAX_ERRORS = 20

/** An error of one prompt, with its place in the whole. */
function located(error: ClinvkError, index: number, pathOf: PathOf): ClinvkError {
  const wrong = wrongIn(error)
  if (wrong) {
    const errors = wrong.map(({ path, message }) => ({ path: pathOf(index, path), message }))
    return again(error, errors.map(sentence).join(' '), errors)
  }
  const field = fieldOf(error)
  const path = pathOf(index, field)
  const message = error.message.startsWith(`${field}: `)
    ? error.message.slice(`${field}: `.length)
    : error.message
  return again(error, `${path}: ${message}`, [{ path, message }])
}

function together(errors: readonly ClinvkError[]): ClinvkError {
  const [first, ...others] = errors
  if (!first) throw new Error('There is no error.')
  if (others.length === 0) return first
  const shown = errors.slice(0, MAX_ERRORS)
  const all = errors.flatMap((error) => wrongIn(error) ?? []).slice(0, MAX_ERRORS)
  return again(first, shown.map(({ message }) => message).join(' '), all)
}

function again(error: ClinvkError, message: string, errors: readonly WrongPart[]): ClinvkError {
  const { code, status, retryable, details, cause } = error
  return new ClinvkError(code, message, { status, retryable, details: { ...details, errors }, cause })
}

function sentence({ path, message }: WrongPart): string {
  return `${path} ${message}`
}

function wrongIn({ details }: ClinvkError): readonly WrongPart[] | undefined {
  return Array.isArray(details['errors']) ? (details['errors'] as WrongPart[]) : undefined
}

/** The field of a prompt that an error is about; empty where it is about no single one. */
function fieldOf({ code, details }: ClinvkError): string {
  const { option } = details
  return typeof option === 'string' ? option : (FIELDS[code] ?? '')
}

const FIELDS: Partial<Record<ErrorCode, string>> = {
  backend_not_found: 'backend',
  backend_disabled: 'backend',
  backend_not_installed: 'backend',
  session_not_found: 'session_id',
  invalid_workdir: 'workdir',
  workdir_refused: 'workdir',
  forbidden: 'extra',
}
