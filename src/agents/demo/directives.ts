import { STOP_REASONS, type Step } from './steps.ts'
import { durationMs, isProblem, options, type Problem, parsed, text, toolCall, whole } from './values.ts'

/** One directive: how it is written, what it does, and how its value is read. */
interface Directive {
  /** As a person would type it; square brackets mark what may be left out. */
  readonly usage: string
  readonly meaning: string
  /** No step can follow it, because the turn ends with it. */
  readonly last?: boolean
  /** `value` is what stands behind the `=`, trimmed; `undefined` where there is none. */
  parse(value: string | undefined): Step | Problem
}

/** Every directive by name, in the order in which they are explained. */
export const DIRECTIVES: Readonly<Record<string, Directive>> = {
  say: {
    usage: 'say=TEXT',
    meaning: 'answers TEXT, word by word',
    parse: (value) => parsed(text(value), (text) => ({ type: 'say', text })),
  },
  think: {
    usage: 'think[=TEXT]',
    meaning: 'thinks TEXT, word by word',
    parse: (value) =>
      parsed(text(value ?? 'Thinking as the prompt asked me to.'), (text) => ({ type: 'think', text })),
  },
  tokens: {
    usage: 'tokens=N [delay=20ms] [size=BYTES]',
    meaning:
      'answers N tokens, one message each, `delay` apart (default 0: full speed), each of `size` bytes',
    parse: parseTokens,
  },
  tool: {
    usage: 'tool=NAME [JSON]',
    meaning: 'pretends to call the tool NAME with the arguments JSON',
    parse: (value) => parsed(toolCall(value), (call) => ({ type: 'tool', ...call, fails: false })),
  },
  'tool-fails': {
    usage: 'tool-fails=NAME [JSON]',
    meaning: 'the same, and the tool fails',
    parse: (value) => parsed(toolCall(value), (call) => ({ type: 'tool', ...call, fails: true })),
  },
  ask: {
    usage: 'ask[=NAME [JSON]]',
    meaning: 'asks for permission to use the tool NAME (default write_file), then says what was decided',
    parse: (value) =>
      parsed(toolCall(value ?? 'write_file {"path":"demo.txt"}'), (call) => ({ type: 'ask', ...call })),
  },
  wait: {
    usage: 'wait=500ms',
    meaning: 'is silent for that long',
    parse: (value) => parsed(durationMs(value), (ms) => ({ type: 'wait', ms })),
  },
  history: {
    usage: 'history',
    meaning: 'lists the earlier prompts of this session',
    parse: noValue({ type: 'history' }),
  },
  session: {
    usage: 'session',
    meaning: "tells the session's id, its working directory, the number of this prompt and the process id",
    parse: noValue({ type: 'session' }),
  },
  'ignore-cancel': {
    usage: 'ignore-cancel',
    meaning: 'does not listen to a cancel for the rest of this prompt',
    parse: noValue({ type: 'ignore-cancel' }),
  },
  stop: {
    usage: 'stop=REASON',
    meaning: `ends the turn for the reason ${STOP_REASONS.join(', ')}`,
    last: true,
    parse(value) {
      const reason = STOP_REASONS.find((known) => known === value)
      return reason ? { type: 'stop', reason } : { problem: `it needs one of ${STOP_REASONS.join(', ')}` }
    },
  },
  fail: {
    usage: 'fail=STATUS [retry-after=2s] [MESSAGE]',
    meaning: 'fails as a model provider does that answers with the HTTP status STATUS (400 to 599)',
    last: true,
    parse: parseFail,
  },
  'not-logged-in': {
    usage: 'not-logged-in',
    meaning: 'fails as an agent does that is not logged in',
    last: true,
    parse: noValue({ type: 'not-logged-in' }),
  },
  hang: {
    usage: 'hang',
    meaning: 'never answers, until it is cancelled',
    last: true,
    parse: noValue({ type: 'hang' }),
  },
  crash: {
    usage: 'crash[=EXITCODE]',
    meaning: 'the process of the demo agent ends in the middle of the turn (default exit code 1)',
    last: true,
    parse: (value) => parsed(whole(value ?? '1', { max: 255 }), (exitCode) => ({ type: 'crash', exitCode })),
  },
  help: {
    usage: 'help',
    meaning: 'lists these directives',
    parse: noValue({ type: 'help' }),
  },
}

const MAX_TOKENS = 100_000_000
/** Just below the longest line that clinvk takes from an agent, so that both sides of that limit can be tried. */
const MAX_TOKEN_BYTES = 80 * 1024 * 1024
const DEFAULT_RETRY_AFTER_MS = 1000

const DEFAULT_MESSAGES: Readonly<Record<number, string>> = {
  400: 'The request is invalid.',
  401: 'The API key is invalid.',
  403: 'This is not allowed.',
  404: 'The model was not found.',
  429: 'Too many requests.',
  529: 'Overloaded.',
}

function noValue(step: Step) {
  return (value: string | undefined): Step | Problem =>
    value === undefined ? step : { problem: 'it takes no value' }
}

function parseTokens(value = ''): Step | Problem {
  const [number, ...rest] = value.split(/\s+/)
  const count = whole(number, { max: MAX_TOKENS })
  if (isProblem(count)) return count
  const found = options(rest, ['delay', 'size'])
  if (isProblem(found)) return found
  const delayMs = durationMs(found['delay'] ?? '0')
  if (isProblem(delayMs)) return { problem: `delay: ${delayMs.problem}` }
  if (found['size'] === undefined) return { type: 'tokens', count, delayMs }
  const bytes = whole(found['size'], { min: 1, max: MAX_TOKEN_BYTES })
  return isProblem(bytes) ? { problem: `size: ${bytes.problem}` } : { type: 'tokens', count, delayMs, bytes }
}

function parseFail(value = ''): Step | Problem {
  const [, number, retryAfter, message = ''] =
    /^(\S*)(?:\s+retry-after=(\S*))?(?:\s+(\S.*))?$/.exec(value) ?? []
  const status = whole(number, { min: 400, max: 599 })
  if (isProblem(status)) return status
  const retryAfterMs = retryAfter === undefined ? undefined : durationMs(retryAfter)
  if (isProblem(retryAfterMs)) return { problem: `retry-after: ${retryAfterMs.problem}` }
  const words = text(message === '' ? (DEFAULT_MESSAGES[status] ?? `Failed with status ${status}.`) : message)
  if (isProblem(words)) return words
  const wait = retryAfterMs ?? (status === 429 ? DEFAULT_RETRY_AFTER_MS : undefined)
  return { type: 'fail', status, message: words, ...(wait === undefined ? {} : { retryAfterMs: wait }) }
}
