import type { PlannedTask, TaskEvent } from '../../../engine/orchestrate/types.ts'
import { type ClinvkError, toClinvkError } from '../../../errors.ts'
import { toProblem } from '../../problem.ts'
import { requestId } from '../../request-id.ts'
import { answerJson, SLOW_JSON_TIMES, type SlowJson } from '../../slow-json.ts'
import { answerForm } from '../answer-form.ts'
import { isStreamForm, type NumberedEvent, streamEvents } from '../answer-stream.ts'
import type { PromptOptions } from '../prompt.ts'
import type { PromptRequest } from '../schema.ts'
import type { TaskResult } from './schema.ts'
import { createTeller, type Teller } from './teller.ts'
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
  readonly dryRun: boolean
  /** Runs them. They are cancelled when the signal aborts. */
  run(signal: AbortSignal): AsyncGenerator<TaskEvent, void>
  /** `results` has one of each, in their order. */
  toAnswer(results: readonly TaskResult[], durationMs: number): object
}

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
 * Serves several prompts in the form that is asked for. What becomes of each is part of the answer. All are cancelled
 * when the client leaves or the server stops.
 */
export async function serveTasks(
  whole: Whole,
  body: Pick<PromptRequest, 'stream' | 'output_format'>,
  request: Request,
  options: TasksOptions,
): Promise<Response> {
  const form = answerForm(body, request.headers.get('accept'))
  const own = new AbortController()
  const signal = AbortSignal.any([request.signal, options.shutdown, own.signal])
  const teller = createTeller(whole.told, (error) => options.onFailure(error, request))
  const startedAt = performance.now()
  const answer = () => ({
    ...(whole.dryRun ? { dry_run: true as const } : {}),
    ...whole.toAnswer(teller.results(), Math.round(performance.now() - startedAt)),
  })
  if (isStreamForm(form) && !whole.dryRun)
    return streamEvents(
      {
        chunks: (encode) =>
          toChunks(whole.run(signal), teller, encode, answer, (error) => {
            options.onFailure(error, request)
            return teller.error(error, requestId(request))
          }),
        heartbeat: teller.heartbeat,
        abort: (reason) => own.abort(reason),
      },
      form,
      request,
      options,
    )
  return await answerJson(listen(whole.run(signal), teller).then(answer), {
    ...(options.slowJson ?? SLOW_JSON_TIMES),
    headers: () => ({}),
    toLateError(error) {
      options.onFailure(error, request)
      return toProblem(error, requestId(request))
    },
    onLeft: () => own.abort(),
    onEnd: () => options.onStreamEnd(request),
  })
}

async function listen(events: AsyncGenerator<TaskEvent, void>, teller: Teller): Promise<void> {
  for await (const event of events) teller.remember(event)
}

/** Several tasks as the pieces of their stream. The whole answer, or what ended all of it, is the last. */
async function* toChunks(
  events: AsyncGenerator<TaskEvent, void>,
  teller: Teller,
  encode: (event: NumberedEvent) => string,
  answer: () => object,
  toLastEvent: (error: ClinvkError) => NumberedEvent,
): AsyncGenerator<string, void> {
  try {
    for await (const event of events) {
      const told = teller.toEvent(event)
      if (told) yield encode(told)
    }
    yield encode(teller.done(answer()))
  } catch (error) {
    yield encode(toLastEvent(toClinvkError(error)))
  }
}
