import type { TurnEvent } from '../../../agents/types.ts'
import type { NumberedEvent } from '../../../engine/runs.ts'
import { ClinvkError, toClinvkError } from '../../../errors.ts'
import { callerOf } from '../../chat/caller.ts'
import { requestId } from '../../request-id.ts'
import { answerForm } from '../answer-form.ts'
import { streamEvents, type NumberedEvent as ToldEvent } from '../answer-stream.ts'
import type { PromptOptions } from '../prompt.ts'
import { createQueryReader } from '../query.ts'
import { createEventWriter, type EventWriter } from '../to-events.ts'
import { toldStream } from './told.ts'
import { toTurn, withClock } from './turn.ts'

/**
 * Streams the events of a run behind the one that the client has, live to its end.
 *
 * @throws `run_not_found`, `invalid_request`
 */
export async function serveEvents(id: string, request: Request, options: PromptOptions): Promise<Response> {
  const { engine, shutdown } = options
  const after = lastSeen(request)
  const caller = await callerOf(request.headers)
  const run = engine.runs.find(id, caller)
  if (run.kind === 'chat' || run.kind === 'task')
    throw new ClinvkError(
      'run_not_found',
      run.kind === 'chat'
        ? `Run "${id}" is a chat, of which no events are kept.`
        : `Run "${id}" is part of run "${run.about['run_id']}", which has its events.`,
    )
  if (run.kind === 'response')
    throw new ClinvkError(
      'run_not_found',
      `Run "${id}" is a response of the OpenAI API. GET /openai/v1/responses/${run.about['response_id']}?stream=true tells its events.`,
    )
  if (run.status === 'completed' && run.eventCount === 0)
    throw new ClinvkError('run_not_found', `Of run "${id}" no events are kept: it was ephemeral.`)
  if (run.status !== 'running' && after >= run.eventCount + (run.status === 'completed' ? 0 : 1))
    // An EventSource comes back for ever, unless it is told that there is nothing more.
    return new Response(null, { status: 204, headers: { 'x-clinvk-run': id } })
  const own = new AbortController()
  // A run that is executed here ends with the server, and its readers are told. That of another server goes on: then
  // the stream is cut without an end, and whoever comes back gets the rest.
  const here = engine.runs.isHere(id)
  const signal = AbortSignal.any([request.signal, own.signal, ...(here ? [] : [shutdown])])
  const form = answerForm({ stream: true }, request.headers.get('accept')) === 'ndjson' ? 'ndjson' : 'sse'
  const about = { abort: (reason: ClinvkError) => own.abort(reason), headers: { 'x-clinvk-run': id } }
  if (run.kind !== 'prompt') {
    const told = engine.runs.events(id, caller, 0, signal) as AsyncGenerator<NumberedEvent<ToldEvent>, void>
    const events = whileRead(told, signal)
    return streamEvents(toldStream({ events, after, ...about }, request), form, request, options)
  }
  // From the first on, though not all are sent: the last ones tell again what earlier ones told.
  const numbered = engine.runs.events(id, caller, 0, signal) as AsyncGenerator<NumberedEvent<TurnEvent>, void>
  const { events, now } = withClock(whileRead(numbered, signal))
  const writer = createEventWriter(toTurn(run, events), { verbose: true, now })
  return streamEvents(
    {
      chunks: (encode) => toChunks(events, writer, after, requestId(request), encode),
      heartbeat: writer.heartbeat,
      ...about,
    },
    form,
    request,
    options,
  )
}

/** Ends without a word where the reader is stopped and not the run. */
async function* whileRead<E>(events: AsyncGenerator<E, void>, signal: AbortSignal): AsyncGenerator<E, void> {
  try {
    yield* events
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

async function* toChunks(
  events: AsyncGenerator<TurnEvent, void>,
  writer: EventWriter,
  after: number,
  id: string,
  encode: (event: ToldEvent) => string,
): AsyncGenerator<string, void> {
  try {
    for await (const event of events) {
      const told = writer.toEvent(event)
      if (told.sequence > after) yield encode(told)
    }
  } catch (error) {
    const told = writer.error(toClinvkError(error), id)
    if (told.sequence > after) yield encode(told)
  }
}

function lastSeen(request: Request): number {
  const query = new URL(request.url).searchParams
  const header = request.headers.get('last-event-id')
  if (!query.has('after') && header !== null) query.set('after', header)
  const read = createQueryReader(query, ['after'])
  const after = read.count('after', 0, 0, Number.MAX_SAFE_INTEGER)
  read.check()
  return after
}
