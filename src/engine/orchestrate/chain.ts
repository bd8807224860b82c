import { abortError } from '../../agents/take-turn.ts'
import { ClinvkError } from '../../errors.ts'
import type { Engine, TurnRequest } from '../types.ts'
import { fillIn, placeholdersOf, type Scope, type Source } from './placeholders.ts'
import { type PlannedChain, scopesOf, textsOf } from './plan-chain.ts'
import { createSharedBudget, runTask } from './run-task.ts'
import type { PlannedTask, TaskEvent, TaskOutcome } from './types.ts'

/**
 * Runs the steps of a chain one after another. Every step has an outcome in the end. What a step that was not completed
 * has said is never given to another: one that refers to it is skipped.
 *
 * @throws the signal's reason, after the outcomes.
 */
export async function* runChain(
  engine: Pick<Engine, 'start'>,
  chain: PlannedChain,
  signal: AbortSignal,
): AsyncGenerator<TaskEvent, void> {
  const budget = createSharedBudget()
  const outcomes: TaskOutcome[] = []
  const sessions = createPassedSessions(chain.passSession)
  const scopes = scopesOf(chain.steps)
  for (const [index, step] of chain.steps.entries()) {
    const scope = scopes[index] ?? { index, names: new Map() }
    const ready = signal.aborted ? cancelled(abortError(signal)) : prepare(step, scope, chain, outcomes)
    if ('status' in ready) {
      outcomes.push(ready)
      yield { index, outcome: ready }
      continue
    }
    const task = sessions.given(ready)
    for await (const event of runTask(engine, index, task, budget, signal)) {
      if ('outcome' in event) {
        outcomes.push(event.outcome)
        sessions.learn(task, event.outcome)
      }
      yield event
    }
  }
  if (signal.aborted) throw abortError(signal)
}

/** How long a prompt may become by what is put into it, in characters. Doubled in each of 50 steps, it would have no end. */
const MAX_PROMPT = 16 * 1024 * 1024

/** A step with its prompt filled in, or its outcome where it cannot run. */
function prepare(
  step: PlannedTask,
  scope: Scope,
  { stopOnFailure, input = '' }: PlannedChain,
  outcomes: readonly TaskOutcome[],
): PlannedTask | TaskOutcome {
  const failed = outcomes.findIndex(isIncomplete)
  if (stopOnFailure && failed !== -1)
    return cancelled(
      new ClinvkError(
        'cancelled',
        `Step ${failed} was not completed, and with stop_on_failure that ends the chain.`,
      ),
    )
  if (step.dryRun) return step
  const texts = textsOf(step.request)
  const sources = texts
    .flatMap((text) => placeholdersOf(text, scope))
    .flatMap(({ source }) => (typeof source === 'object' ? [] : [source]))
  const missing = sources.find((source) => source !== 'input' && outcomes[source]?.status !== 'completed')
  if (missing !== undefined)
    return cancelled(
      new ClinvkError('cancelled', `Skipped: it refers to step ${missing}, which was not completed.`),
    )
  const textFrom = (source: Source) => (source === 'input' ? input : answerOf(outcomes[source]))
  const length = [...texts, ...sources.map(textFrom)].reduce((sum, text) => sum + text.length, 0)
  if (length > MAX_PROMPT)
    return {
      status: 'failed',
      error: new ClinvkError(
        'invalid_request',
        `The prompt becomes longer than ${MAX_PROMPT} characters with what is put into it.`,
      ),
    }
  const parts = step.request.parts.map((part) =>
    part.type === 'text' ? { ...part, text: fillIn(part.text, scope, textFrom) } : part,
  )
  return { ...step, request: { ...step.request, parts } }
}

function cancelled(error: ClinvkError): TaskOutcome {
  return { status: 'cancelled', error }
}

function isIncomplete({ status }: TaskOutcome): boolean {
  return status === 'failed' || status === 'cancelled'
}

function answerOf(outcome: TaskOutcome | undefined): string {
  return outcome?.status === 'completed' ? outcome.result.text : ''
}

/**
 * The sessions that later steps go on in, one for each backend and folder. One with a step that was not completed is
 * not gone on with, because its agent remembers what it said there.
 */
function createPassedSessions(wanted: boolean) {
  const sessions = new Map<string, string>()
  const keyOf = ({ plan }: PlannedTask) => JSON.stringify([plan.backend, plan.workdir])
  return {
    given(task: PlannedTask): PlannedTask {
      const sessionId = wanted && isOpen(task.request) ? sessions.get(keyOf(task)) : undefined
      return sessionId === undefined ? task : { ...task, request: { ...task.request, sessionId } }
    },
    learn(task: PlannedTask, outcome: TaskOutcome): void {
      if (outcome.status === 'completed' && !task.request.ephemeral)
        sessions.set(keyOf(task), outcome.result.sessionId)
      else if (isIncomplete(outcome) && sessions.get(keyOf(task)) === task.request.sessionId)
        sessions.delete(keyOf(task))
    },
  }
}

/** Whether a step leaves open which session it works in: it names none, and says nothing about a new one. */
function isOpen({ sessionId, title, tags, ephemeral }: TurnRequest): boolean {
  return sessionId === undefined && title === undefined && tags === undefined && !ephemeral
}
