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
  const own = new AbortController()
  const signal = AbortSignal.any([request.signal, shutdown, own.signal])
  const form = answerForm({ stream: true }, request.headers.get('accept')) === 'ndjson' ? 'ndjson' : 'sse'
  const about = { abort: (reason: ClinvkError) => own.abort(reason), headers: { 'x-clinvk-run': id } }
  if (run.kind !== 'prompt') {
    const events = engine.runs.events(id, caller, 0, signal) as AsyncGenerator<NumberedEvent<ToldEvent>, void>
    return streamEvents(toldStream({ events, after, ...about }, request), form, request, options)
  }
  // From the first on, though not all are sent: the last ones tell again what earlier ones told.
  const numbered = engine.runs.events(id, caller, 0, signal) as AsyncGenerator<NumberedEvent<TurnEvent>, void>
  const { events, now } = withClock(numbered)
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
