import type { BegunRun, RunStart } from '../../../engine/runs.ts'
import type { Engine } from '../../../engine/types.ts'
import { ClinvkError, toClinvkError } from '../../../errors.ts'
import { callerOf } from '../../chat/caller.ts'
import { idempotencyOf } from '../../idempotency.ts'
import { invalidFields, type WrongField } from '../../validate.ts'
import type { PromptRequest } from '../schema.ts'
import { toRun } from './to-response.ts'

/** What a request says about its run. */
export type RunFields = Pick<
  PromptRequest,
  'background' | 'on_disconnect' | 'ephemeral' | 'stream' | 'output_format'
>

/** A run that a request began, or that an equal one with its idempotency key began earlier. */
export interface RequestedRun<E> extends BegunRun<E> {
  /** Its client left: this ends it, unless it goes on without. */
  readonly abandon: (reason: ClinvkError) => void
  readonly headers: Readonly<Record<string, string>>
  /** Throws what the run failed with, naming it: whoever is told of the failure can look for the rest. */
  readonly fail: (error: unknown) => never
}

/**
 * Begins the run of a request. It ends with its client, unless it is to go on without: in the background, where that
 * is asked for, and where a key lets the client come back for it.
 *
 * @param start is not called for a run that was begun earlier. It checks the request; nothing happens before the first
 * event is asked for.
 * @throws `idempotency_conflict`, and what `start` throws.
 */
export async function beginRun<E>(
  body: RunFields,
  request: Request,
  { engine, shutdown }: { readonly engine: Engine; readonly shutdown: AbortSignal },
  start: (signal: AbortSignal) => Promise<Pick<RunStart<E>, 'id' | 'kind' | 'about' | 'events'>>,
): Promise<RequestedRun<E>> {
  checkRunFields(body)
  const idempotency = await idempotencyOf(request, body)
  const caller = await callerOf(request.headers)
  const detached =
    body.background === true || (body.on_disconnect ?? (idempotency ? 'continue' : 'cancel')) === 'continue'
  const own = new AbortController()
  const signal = AbortSignal.any([shutdown, own.signal, ...(detached ? [] : [request.signal])])
  const cancel = (reason: ClinvkError) => own.abort(reason)
  const begun =
    (idempotency && engine.runs.again<E>(idempotency, caller)) ??
    engine.runs.begin<E>({
      ...(await start(signal)),
      caller,
      cancel,
      detached,
      // What is to be forgotten is kept only where somebody could not be told it else.
      keepEvents: detached || body.ephemeral !== true,
      idempotency,
    })
  return {
    ...begun,
    fail(thrown) {
      throw ofRun(toClinvkError(thrown), begun)
    },
    abandon(reason) {
      if (detached) return
      cancel(reason)
      engine.runs.leave(begun.run.id, reason)
    },
    headers: {
      'x-clinvk-run': begun.run.id,
      ...(begun.again ? { 'idempotency-replayed': 'true' } : {}),
    },
  }
}

function ofRun(error: ClinvkError, { run, again }: Pick<BegunRun<unknown>, 'run' | 'again'>): ClinvkError {
  const { code, message, status, upstreamStatus, retryAfterMs, cause } = error
  const { session_id: session } = run.about
  // The same key gives the same failure, however often it is sent, unless nothing was run.
  const isFinal = again && code !== 'queue_full'
  return new ClinvkError(code, message, {
    status,
    cause,
    retryable: error.retryable && !isFinal,
    ...(upstreamStatus === undefined ? {} : { upstreamStatus }),
    ...(retryAfterMs === undefined || isFinal ? {} : { retryAfterMs }),
    details: {
      ...error.details,
      run_id: run.id,
      ...(typeof session === 'string' ? { session_id: session } : {}),
      ...(again ? { idempotency_replayed: true } : {}),
    },
  })
}

/** What goes on without its client cannot end with it, and answers at once, in one form. */
function checkRunFields({ background, on_disconnect, stream, output_format }: RunFields): void {
  if (background !== true) return
  const message = 'cannot go together with background.'
  const wrong: WrongField[] = [
    ...(on_disconnect === 'cancel' ? [{ path: 'on_disconnect', message }] : []),
    ...(stream === true ? [{ path: 'stream', message }] : []),
    ...(output_format === 'stream-json' ? [{ path: 'output_format', message }] : []),
  ]
  if (wrong.length > 0) throw invalidFields(wrong)
}

/** What a request that asked for the background is answered at once. */
export function acceptedRun({ run, headers }: Pick<RequestedRun<unknown>, 'run' | 'headers'>): Response {
  return Response.json(toRun(run), {
    status: 202,
    headers: { ...headers, location: `/api/v1/runs/${run.id}` },
  })
}
