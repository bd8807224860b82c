import { Elysia } from 'elysia'
import type { TurnEvent } from '../../../agents/types.ts'
import { collect } from '../../../engine/collect.ts'
import type { NumberedEvent } from '../../../engine/runs.ts'
import { toClinvkError } from '../../../errors.ts'
import type { RunRecord } from '../../../sessions/run-types.ts'
import { callerOf } from '../../chat/caller.ts'
import { told } from '../../told.ts'
import type { NumberedEvent as ToldEvent } from '../answer-stream.ts'
import type { PromptOptions } from '../prompt.ts'
import { StreamEvent } from '../schema.ts'
import { toPromptResponse } from '../to-response.ts'
import { CANCEL, EVENTS, FIND, LIST } from './describe.ts'
import { serveEvents } from './events.ts'
import { fromRunQuery, RUN_QUERY } from './from-query.ts'
import { Run, RunList } from './schema.ts'
import { toRun } from './to-response.ts'
import { toldAnswer } from './told.ts'
import { toTurn, withClock } from './turn.ts'

/** An answer that is too long for one piece can still be read as a stream. */
function tooLong(error: unknown): undefined {
  if (toClinvkError(error).code !== 'agent_protocol') throw error
}

/** Kinds of runs whose answer is told elsewhere, or not kept. */
const WITHOUT_RESULT: ReadonlySet<string> = new Set(['chat', 'task', 'response'])

/** The runs of our own API. */
export function runRoutes(options: PromptOptions) {
  const { runs } = options.engine

  const resultOf = async (run: RunRecord, caller: string): Promise<Run['result']> => {
    const isTold = run.status === 'completed' && !WITHOUT_RESULT.has(run.kind) && run.eventCount > 0
    if (!isTold) return undefined
    const never = new AbortController().signal
    if (run.kind !== 'prompt') {
      const after = run.eventCount - 1
      return (await toldAnswer(
        runs.events(run.id, caller, after, never) as AsyncGenerator<NumberedEvent<ToldEvent>, void>,
      )) as Run['result']
    }
    const numbered = runs.events(run.id, caller, 0, never) as AsyncGenerator<NumberedEvent<TurnEvent>, void>
    const { events, now } = withClock(numbered)
    const { metadata } = run.about
    const data = typeof metadata === 'object' && metadata !== null ? { ...metadata } : undefined
    const told = await collect(toTurn(run, events), now).catch(tooLong)
    return told && toPromptResponse(told, data, undefined)
  }

  return new Elysia({ name: 'clinvk.runs' })
    .get(
      '/api/v1/runs',
      async ({ request }) => {
        const filter = fromRunQuery(new URL(request.url).searchParams)
        const { runs: found, total } = runs.list({ ...filter, caller: await callerOf(request.headers) })
        const { limit, offset } = filter
        return { runs: found.map((run) => toRun(run)), total, limit, offset }
      },
      told({ detail: LIST }, { query: RUN_QUERY, answer: RunList }),
    )
    .get(
      '/api/v1/runs/:id',
      async ({ params, request }) => {
        const caller = await callerOf(request.headers)
        const run = runs.find(params.id, caller)
        return toRun(run, await resultOf(run, caller))
      },
      told({ detail: FIND }, { answer: Run }),
    )
    .post(
      '/api/v1/runs/:id/cancel',
      async ({ params, request }) => toRun(await runs.cancel(params.id, await callerOf(request.headers))),
      told({ parse: 'none', detail: CANCEL }, { answer: Run }),
    )
    .get(
      '/api/v1/runs/:id/events',
      async ({ params, request }) => await serveEvents(params.id, request, options),
      told({ detail: EVENTS }, { query: ['after'], events: StreamEvent }),
    )
}
