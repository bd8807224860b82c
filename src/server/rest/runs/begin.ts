import type { BegunRun, RunStart } from '../../../engine/runs.ts'
import type { Engine } from '../../../engine/types.ts'
import { ClinvkError, toClinvkError } from '../../../errors.ts'
import { callerOf } from '../../chat/caller.ts'
import { idempotencyOf } from '../../idempotency.ts'
import type { PromptRequest } from '../schema.ts'
import { toRun } from './to-response.ts'

/** What a request says about its run. */
export type RunFields = Pick<PromptRequest, 'background' | 'on_disconnect'>

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
      keepEvents: true,
      idempotency,
    })
  return {
    ...begun,
    fail(thrown) {
      throw ofRun(toClinvkError(thrown), begun)
    },
    abandon: (reason) => (detached ? undefined : cancel(reason)),
    headers: {
      'x-clinvk-run': begun.run.id,
      ...(begun.again ? { 'idempotency-replayed': 'true' } : {}),
    },
  }
}

function ofRun(error: ClinvkError, { run, again }: Pick<BegunRun<unknown>, 'run' | 'again'>): ClinvkError {
  const { code, message, status, upstreamStatus, retryAfterMs, cause } = error
  const { session_id: session } = run.about
  return new ClinvkError(code, message, {
    status,
    cause,
    // The same key gives the same failure, however often it is sent.
    retryable: error.retryable && !again,
    ...(upstreamStatus === undefined ? {} : { upstreamStatus }),
    ...(retryAfterMs === undefined || again ? {} : { retryAfterMs }),
    details: {
      ...error.details,
      run_id: run.id,
      ...(typeof session === 'string' ? { session_id: session } : {}),
      ...(again ? { idempotency_replayed: true } : {}),
    },
  })
}

/** What a request that asked for the background is answered at once. */
export function acceptedRun({ run, headers }: Pick<RequestedRun<unknown>, 'run' | 'headers'>): Response {
  return Response.json(toRun(run), {
    status: 202,
    headers: { ...headers, location: `/api/v1/runs/${run.id}` },
  })
}
