import { endedEarly } from '../../../engine/collect.ts'
import { failureOf, type Runs } from '../../../engine/runs.ts'
import { type ClinvkError, toClinvkError } from '../../../errors.ts'
import type { RunRecord } from '../../../sessions/run-types.ts'
import type { OutputItem, ResponseEvent, ResponseObject } from './answer-schema.ts'
import { toldFailure } from './to-events.ts'
import { createResponseObject, outputText } from './to-response.ts'

/** The kind of the runs of responses that are made in the background. Their events are kept as they are told. */
export const RESPONSE_RUN = 'response'

/** The id of the run of a response: nobody has to remember which it is. Undefined for what is none of our ids. */
export function runIdOf(responseId: string): string | undefined {
  const [, own] = responseId.match(/^resp_([0-9a-f]{32})$/) ?? []
  return own === undefined ? undefined : `run_${own}`
}

/** The run of a response that is or was made in the background, here or by an earlier server. */
export function findRun(runs: Runs, owner: string, responseId: string): RunRecord | undefined {
  const id = runIdOf(responseId)
  if (id === undefined) return undefined
  try {
    const run = runs.find(id, owner)
    return run.kind === RESPONSE_RUN ? run : undefined
  } catch (error) {
    if (toClinvkError(error).code === 'run_not_found') return undefined
    throw error
  }
}

/** The response as far as its run is kept. */
export function keptResponse(runs: Runs, owner: string, run: RunRecord): ResponseObject {
  return lastResponse(runs, owner, run) ?? cutResponse(runs, owner, run).response
}

/**
 * What is missing at the end of a run that is over: a server that ends in the middle tells no end. Empty where there is
 * one.
 */
export function missingEnd(runs: Runs, owner: string, run: RunRecord): ResponseEvent[] {
  if (lastResponse(runs, owner, run)) return []
  return cutResponse(runs, owner, run).told.map(([type, members], index) => ({
    type,
    sequence_number: run.eventCount + index,
    ...members,
  }))
}

/** Whether an event is the last one of its response. */
export function isLast({ type }: ResponseEvent): boolean {
  return LAST.has(type)
}

const LAST: ReadonlySet<string> = new Set(['response.completed', 'response.incomplete', 'response.failed'])

function lastResponse(runs: Runs, owner: string, { id, eventCount }: RunRecord): ResponseObject | undefined {
  const last = runs.eventsSoFar(id, owner, Math.max(0, eventCount - 1)).at(-1)?.event as
    | ResponseEvent
    | undefined
  return last && isLast(last) ? (last['response'] as ResponseObject) : undefined
}

function cutResponse(runs: Runs, owner: string, run: RunRecord): ReturnType<typeof toldFailure> {
  const events = runs.eventsSoFar(run.id, owner, 0).map(({ event }) => event as ResponseEvent)
  const begun = (events[0]?.['response'] as ResponseObject | undefined) ?? unknownBeginning(run)
  const output = outputOf(events)
  if (run.status === 'running') return { response: { ...begun, output }, told: [] }
  const failure: ClinvkError = failureOf(run) ?? endedEarly(String(run.about['backend']))
  return toldFailure({ ...begun, output: output.map(cut) }, failure)
}

/** What was asked for is not known where the server ended before it kept the first event. */
function unknownBeginning({ about, createdAt }: RunRecord): ResponseObject {
  const begun = createResponseObject({ model: String(about['model']), background: true }, createdAt)
  return { ...begun, id: String(about['response_id']) }
}

/** The items that events tell, the last one perhaps in part. */
function outputOf(events: readonly ResponseEvent[]): OutputItem[] {
  const output: OutputItem[] = []
  for (const event of events) {
    const { type, output_index: at, item, delta } = event
    if (typeof at !== 'number') continue
    if (type === 'response.output_item.added' || type === 'response.output_item.done')
      output[at] = item as OutputItem
    const open = output[at]
    if (open && typeof delta === 'string') output[at] = withMore(open, delta)
  }
  return output
}

function withMore(item: OutputItem, delta: string): OutputItem {
  switch (item.type) {
    case 'message':
      return { ...item, content: [outputText((item.content[0]?.text ?? '') + delta)] }
    case 'reasoning':
      return { ...item, summary: [{ type: 'summary_text', text: (item.summary[0]?.text ?? '') + delta }] }
    case 'function_call':
      return { ...item, arguments: item.arguments + delta }
    case 'custom_tool_call':
      return { ...item, input: item.input + delta }
    default:
      return item
  }
}

function cut(item: OutputItem): OutputItem {
  return 'status' in item && item.status === 'in_progress' ? { ...item, status: 'incomplete' } : item
}
