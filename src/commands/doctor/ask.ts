import type { BackendInfo, Engine } from '../../engine/types.ts'
import { ClinvkError, toClinvkError } from '../../errors.ts'
import type { Cleaner } from './discreet.ts'
import type { Check } from './report.ts'

const PROMPT = 'Answer with the single word "ready", and nothing else.'
/** How long one agent may take, in ms. */
const PATIENCE_MS = 60_000
/** What is told of an answer, in characters: one word was asked for. */
const MOST_SHOWN = 60

/** What is said before it is done. */
export const COST_NOTE =
  'Each agent that is ready is asked for one word. That costs a few tokens of its account.'

/** Asks one agent for one word: the only way to know that its login is good and its provider answers. */
export async function ask(
  engine: Engine,
  { name, capabilities }: Pick<BackendInfo, 'name' | 'capabilities'>,
  clean: Cleaner,
  patienceMs = PATIENCE_MS,
): Promise<Check> {
  const begun = performance.now()
  const late = new AbortController()
  const reason = `${name} has not answered within ${patienceMs / 1000} seconds.`
  const timer = setTimeout(() => late.abort(new ClinvkError('timeout', reason)), patienceMs)
  try {
    const turn = await engine.start(
      {
        backend: name,
        parts: [{ type: 'text', text: PROMPT }],
        // The least that it can do with: no tools and settings of the user's, so few tokens.
        profile: capabilities.profiles[0] ?? 'full',
        ephemeral: true,
        scratch: true,
      },
      late.signal,
    )
    let text = ''
    let model: string | undefined
    let firstMs: number | undefined
    let costUsd: number | undefined
    for await (const event of turn.events) {
      if (event.type === 'init') model = event.model
      if (event.type === 'text') {
        firstMs ??= Math.round(performance.now() - begun)
        // The last one counts where an agent says something on the way, and none is kept at length.
        text = (text + event.text).slice(0, 1000)
      }
      if (event.type === 'done') {
        model = event.model ?? model
        costUsd = event.costUsd
      }
    }
    const answer = shorten(clean(text))
    const facts = {
      answer,
      ...(model === undefined ? {} : { model }),
      ...(firstMs === undefined ? {} : { first_text_ms: firstMs }),
      ...(costUsd === undefined ? {} : { cost_usd: costUsd }),
    }
    if (firstMs === undefined || text.trim() === '')
      return { part: 'ask', backend: name, status: 'fail', message: 'It ended without any answer.', facts }
    const cost = costUsd === undefined ? '' : `, ${costUsd.toFixed(4)} US dollars`
    const message = `"${answer}", its first word after ${(firstMs / 1000).toFixed(1)} s with the start of the agent, model ${model ?? 'not told'}${cost}`
    return { part: 'ask', backend: name, status: 'ok', message, facts }
  } catch (thrown) {
    const error = toClinvkError(thrown)
    const message = error.code === 'internal' ? 'Something went wrong inside clinvk.' : error.message
    return {
      part: 'ask',
      backend: name,
      status: 'fail',
      message,
      todo: TODO[error.code] ?? 'Run the agent by hand to see whether it answers there.',
      facts: { code: error.code },
    }
  } finally {
    clearTimeout(timer)
  }
}

const TODO: Readonly<Record<string, string>> = {
  not_logged_in: 'Log in with the agent itself.',
  upstream_auth: 'Its provider refuses the login: log in again with the agent itself, or mend its key.',
  upstream_billing: 'Look at the account of its provider.',
  upstream_rate_limited: 'Its provider limits it at the moment: try again later.',
  upstream_overloaded: 'Its provider is overloaded: try again later.',
  model_not_found: 'Name another model in the configuration (backends.NAME.model).',
  timeout: 'Run the agent by hand to see whether it answers there, and look at the network.',
}

function shorten(line: string): string {
  return line.length > MOST_SHOWN ? `${line.slice(0, MOST_SHOWN)}…` : line
}
