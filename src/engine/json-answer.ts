import type { JsonSchema } from '../agents/client-tools.ts'
import type { TurnEvent, Usage } from '../agents/types.ts'
import { ClinvkError } from '../errors.ts'
import type { SchemaCheck } from './json-schema.ts'

/** What tells a model that cannot be held to a schema by its provider to answer in JSON. */
export function jsonInstruction(schema: JsonSchema): string {
  return `Answer with exactly one JSON value and nothing else: no explanation, no code fence. It has to fit this JSON Schema:\n\n${JSON.stringify(schema)}`
}

/** What makes a model repair an answer. */
function repairPrompt(problem: string): string {
  return `Your answer is not what was asked for: ${problem}. Answer again, with the whole corrected JSON value and nothing else.`
}

/**
 * Passes on an answer that is to be JSON once it is known to fit: the last part of the text that does, or else the
 * whole of it, for models say things before they answer, and after. One that does not is repaired once by `repair`,
 * which is told what is wrong with it and gives the events of another turn; what both took is added up. Agents that have
 * asked again by themselves are not asked once more. One that a stop sequence cut has to fit as well, and is not
 * repaired: the next would be cut, too. Answers that a limit or a refusal cut are passed on as they are. What is said
 * beside calls is told as thinking: the SDKs' `parse` takes all text for the answer, and fails on any other.
 *
 * @throws `answer_invalid` where the repaired answer does not fit either, or one that was cut.
 */
export async function* withJsonAnswer(
  events: AsyncIterable<TurnEvent>,
  check: SchemaCheck,
  repair: (prompt: string) => AsyncIterable<TurnEvent>,
): AsyncGenerator<TurnEvent, void> {
  let spent: Done | undefined
  for (let turn = events, attempts = 1; ; attempts += 1) {
    let said: readonly Text[] = []
    let done: Done | undefined
    for await (const event of turn) {
      if (event.type === 'text') said = withText(said, event)
      else if (event.type === 'done') done = event
      else {
        if (event.type === 'call_start') {
          yield* asThinking(said)
          said = []
        }
        if (event.type !== 'init' || attempts === 1) yield event
      }
    }
    if (!done) return
    const { corrected, ...last } = done
    const end = spent ? together(spent, last) : last
    const stopped = last.stopReason === 'stop_sequence'
    if (!stopped && last.stopReason !== 'end_turn') {
      yield* last.stopReason === 'tool_calls' ? asThinking(said) : said
      yield end
      return
    }
    const found = await findJson(said, check)
    if (found.problem === undefined) {
      yield { type: 'text', text: found.json }
      yield end
      return
    }
    if (stopped)
      throw new ClinvkError(
        'answer_invalid',
        `The model's answer was cut at the stop sequence ${JSON.stringify(last.stopSequence)} and does not fit the schema: ${found.problem}.`,
      )
    if (attempts === 2 || corrected)
      throw new ClinvkError(
        'answer_invalid',
        `The model's answer does not fit the schema, nor does the one that it was asked to correct it with: ${found.problem}.`,
      )
    spent = end
    turn = repair(repairPrompt(found.problem))
  }
}

type Done = Extract<TurnEvent, { type: 'done' }>
type Text = Extract<TurnEvent, { type: 'text' }>

interface FoundJson {
  readonly json: string
  readonly problem?: string
}

function asThinking(said: readonly Text[]): TurnEvent[] {
  return said.map((event) => ({ ...event, type: 'thinking' }))
}

function withText(said: readonly Text[], event: Text): readonly Text[] {
  const last = said.at(-1)
  if (last === undefined || last.part !== event.part) return [...said, event]
  return [...said.slice(0, -1), { ...last, text: last.text + event.text }]
}

async function findJson(said: readonly Text[], check: SchemaCheck): Promise<FoundJson> {
  const parts = said.map(({ text }) => text)
  const tries = [...parts.toReversed(), ...(parts.length === 1 ? [] : [parts.join('')])]
  let first: FoundJson | undefined
  for (const text of tries) {
    const found = await toJson(text, check)
    if (found.problem === undefined) return found
    first ??= found
  }
  return first ?? (await toJson('', check))
}

async function toJson(text: string, check: SchemaCheck): Promise<FoundJson> {
  const json = withoutFence(text.trim())
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (error) {
    return {
      json,
      problem: `it is no JSON (${error instanceof Error ? error.message : 'it cannot be read'})`,
    }
  }
  const problem = await check(value)
  return problem === undefined ? { json } : { json, problem }
}

/** Models put JSON into a fence whatever they are told. Each line of a long answer is looked at once. */
function withoutFence(text: string): string {
  const line = text.indexOf('\n')
  if (line === -1 || !text.startsWith(FENCE) || !text.endsWith(FENCE) || text.length - line <= FENCE.length)
    return text
  const language = text.slice(FENCE.length, line).trim()
  return language === '' || language === 'json' ? text.slice(line + 1, -FENCE.length).trim() : text
}

const FENCE = '```'

function together(first: Done, second: Done): Done {
  const usage = addUsage(first.usage, second.usage)
  const cost = first.costUsd === undefined && second.costUsd === undefined
  return {
    ...second,
    ...(usage === undefined ? {} : { usage }),
    ...(cost ? {} : { costUsd: (first.costUsd ?? 0) + (second.costUsd ?? 0) }),
  }
}

function addUsage(a: Usage | undefined, b: Usage | undefined): Usage | undefined {
  if (!a || !b) return a ?? b
  const sum: Record<string, number> = { ...a }
  for (const [name, count] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + count
  return sum
}
