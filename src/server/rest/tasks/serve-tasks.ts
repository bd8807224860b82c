import { newId } from '../../../engine/ids.ts'
import type { PlannedTask, TaskEvent } from '../../../engine/orchestrate/types.ts'
import type { Engine } from '../../../engine/types.ts'
import { ClinvkError } from '../../../errors.ts'
import { callerOf } from '../../chat/caller.ts'
import { toProblem } from '../../problem.ts'
import { requestId } from '../../request-id.ts'
import { answerJson, SLOW_JSON_TIMES, type SlowJson } from '../../slow-json.ts'
import { answerForm } from '../answer-form.ts'
import { isStreamForm, type NumberedEvent, streamEvents } from '../answer-stream.ts'
import type { PromptOptions } from '../prompt.ts'
import { acceptedRun, beginRun, type RunFields } from '../runs/begin.ts'
import { toldAnswer, toldStream } from '../runs/told.ts'
import type { PromptRequest } from '../schema.ts'
import { withNotes } from './notes.ts'
import type { TaskResult } from './schema.ts'
import { createTeller } from './teller.ts'
import type { ToldTask } from './to-result.ts'

/** What serving several prompts at once needs. */
export interface TasksOptions extends PromptOptions {
  /** What the configuration says for requests that don't. */
  readonly parallel: { readonly maxParallel: number; readonly failFast: boolean }
  /** Other times than the usual ones for answers that take long. */
  readonly slowJson?: Pick<SlowJson, 'afterMs' | 'everyMs'>
}

/** Several prompts that were checked, as one answer. */
export interface Whole {
  readonly told: readonly ToldTask[]
  /** Runs them. They are cancelled when the signal aborts. */
  run(engine: Pick<Engine, 'start'>, signal: AbortSignal): AsyncGenerator<TaskEvent, void>
  /** `results` has one of each, in their order. */
  toAnswer(results: readonly TaskResult[], durationMs: number): object
}

/** What the bodies of all kinds of several prompts say of the whole. */
type WholeFields = RunFields & Pick<PromptRequest, 'stream' | 'output_format' | 'dry_run'>

/** What the configuration and a task say about how it is told. */
export function toTold(
  { plan }: PlannedTask,
  { verbose, metadata }: Pick<PromptRequest, 'verbose' | 'metadata'>,
  label: ToldTask['label'],
  { defaults }: Pick<TasksOptions, 'defaults'>,
): ToldTask {
  return {
    label,
    backend: plan.backend,
    verbose: verbose ?? defaults.verbose,
    ...(metadata === undefined ? {} : { metadata }),
  }
}

/**
 * Serves several prompts in the form that is asked for. What becomes of each is part of the answer. All are one run,
 * which is cancelled when its client leaves, unless it is to go on without, and when the server stops.
 *
 * @param plan checks them. Not called where an earlier request with the same idempotency key began the run.
 * @throws what `plan` throws, before anything runs.
 */
export async function serveTasks(
  kind: 'parallel' | 'chain' | 'compare',
  body: WholeFields,
  request: Request,
  options: TasksOptions,
  plan: () => Promise<Whole>,
): Promise<Response> {
  const form = answerForm(body, request.headers.get('accept'))
  const onFailure = (error: ClinvkError) => options.onFailure(error, request)
  const telling = { keepsWays: !isStreamForm(form), onFailure }
  if (body.dry_run ?? options.defaults.dryRun) {
    const never = new AbortController().signal
    const planned = tell(await plan(), { ...telling, engine: options.engine, signal: never })
    return Response.json({ dry_run: true, ...(await toldAnswer(numbered(planned))) })
  }

  const caller = await callerOf(request.headers)
  const begun = await beginRun<NumberedEvent>(body, request, options, async (signal) => {
    const id = newId('run')
    const whole = await plan()
    const engine = withNotes(options.engine, id, caller)
    return {
      id,
      kind,
      about: { tasks: whole.told.length },
      events: tell(whole, { ...telling, engine, signal }),
    }
  })
  if (body.background === true) return acceptedRun(begun)
  const { events, headers, abandon } = begun
  if (isStreamForm(form))
    return streamEvents(
      toldStream({ events, abort: abandon, headers, onFailure }, request),
      form,
      request,
      options,
    )
  return await answerJson(toldAnswer(events), {
    ...(options.slowJson ?? SLOW_JSON_TIMES),
    headers: () => headers,
    toLateError(error) {
      onFailure(error)
      return toProblem(error, requestId(request))
    },
    onLeft: () => abandon(new ClinvkError('cancelled', 'The client left.')),
    onEnd: () => options.onStreamEnd(request),
  })
}

interface Telling {
  readonly engine: Pick<Engine, 'start'>
  readonly signal: AbortSignal
  readonly keepsWays: boolean
  readonly onFailure: (error: ClinvkError) => void
}

/** Runs several prompts and tells what happens. The whole answer is the last event. */
async function* tell(
  whole: Whole,
  { engine, signal, keepsWays, onFailure }: Telling,
): AsyncGenerator<NumberedEvent, void> {
  const teller = createTeller(whole.told, keepsWays, onFailure)
  const startedAt = performance.now()
  for await (const event of whole.run(engine, signal)) {
    const told = teller.toEvent(event)
    if (told) yield told
  }
  yield teller.done(whole.toAnswer(teller.results(), Math.round(performance.now() - startedAt)))
}

async function* numbered(events: AsyncGenerator<NumberedEvent, void>) {
  for await (const event of events) yield { sequence: event.sequence, at: Date.now(), event }
}
