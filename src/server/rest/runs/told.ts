import type { NumberedEvent } from '../../../engine/runs.ts'
import { type ClinvkError, toClinvkError } from '../../../errors.ts'
import { toProblem } from '../../problem.ts'
import { requestId } from '../../request-id.ts'
import type { EventStream, NumberedEvent as ToldEvent } from '../answer-stream.ts'

/** A run of several prompts: its events are kept as they are told. */
export interface ToldRun extends Pick<EventStream, 'abort' | 'headers'> {
  readonly events: AsyncGenerator<NumberedEvent<ToldEvent>, void>
  /** Number of the last event that the client has. */
  readonly after?: number
  /** Told of what the run failed with. */
  readonly onFailure?: (error: ClinvkError) => void
}

/** The stream of such a run. What the run failed with is its last event. */
export function toldStream(
  { events, after = 0, abort, headers, onFailure }: ToldRun,
  request: Request,
): EventStream {
  let last = 0
  const numbered = (sequence: number) => ({ timestamp: new Date().toISOString(), sequence })
  return {
    async *chunks(encode) {
      try {
        for await (const { sequence, event } of events) {
          last = sequence
          if (sequence > after) yield encode(event)
        }
      } catch (thrown) {
        const error = toClinvkError(thrown)
        onFailure?.(error)
        last += 1
        const told = { type: 'error', ...numbered(last), content: toProblem(error, requestId(request)) }
        if (last > after) yield encode(told)
      }
    },
    heartbeat: () => ({
      type: 'progress',
      ...numbered(last),
      content: { kind: 'heartbeat', message: 'The agents are still at work.' },
    }),
    abort,
    headers,
  }
}

/** The whole answer of such a run: the content of its last event. */
export async function toldAnswer(
  events: AsyncIterable<NumberedEvent<ToldEvent>>,
): Promise<Record<string, unknown>> {
  let last: NumberedEvent<ToldEvent> | undefined
  for await (const event of events) last = event
  const content = last && 'content' in last.event ? last.event.content : undefined
  if (typeof content !== 'object' || content === null) throw new Error('The run told no answer.')
  return { ...content }
}
