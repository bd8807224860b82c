import type { RecordedRequest, Recording, Reply, Script } from './types.ts'

/** What the agent's own questions get instead of their usual answer. */
export interface RecordingOptions {
  readonly auxiliary?: Reply
}

/** A recording with the parts that only the server uses. */
export interface ScriptedRecording extends Recording {
  add(request: RecordedRequest): void
  /** The reply for a request, or for the next call to the model. `own` is the usual one to an agent's own question. */
  reply(request: RecordedRequest, own: Reply | undefined): Promise<Reply>
}

/** The answer where no script says otherwise. */
export const DEFAULT_REPLY: Reply = { text: 'Hello from the mock.' }

/** How long the waiting functions wait by default, in ms: longer than any agent's cold start. */
const TIMEOUT_MS = 10_000
const POLL_MS = 5

/** Keeps the requests of one scenario and its place in the script. */
export function createRecording(
  url: string,
  script: Script,
  options: RecordingOptions = {},
): ScriptedRecording {
  const requests: RecordedRequest[] = []
  let current = script
  let step = 0

  const recording: ScriptedRecording = {
    url,
    requests,
    get calls() {
      return requests.filter((request) => request.dialect !== 'other' && !request.auxiliary)
    },
    get inFlight() {
      return requests.filter((request) => request.state === 'open').length
    },
    play(next) {
      current = next
      step = 0
    },
    async waitFor(predicate, { timeoutMs = TIMEOUT_MS } = {}) {
      const until = performance.now() + timeoutMs
      while (!predicate()) {
        if (performance.now() > until) throw new Error(expired(predicate, timeoutMs, requests))
        await Bun.sleep(POLL_MS)
      }
    },
    idle: (limits) => recording.waitFor(() => recording.inFlight === 0, limits),
    add: (request) => void requests.push(request),
    async reply(request, own) {
      if (own) return options.auxiliary ?? own
      if (typeof current === 'function') return current(request)
      if (!isList(current)) return current
      return current[Math.min(step++, current.length - 1)] ?? DEFAULT_REPLY
    },
  }
  return recording
}

function isList(script: Reply | readonly Reply[]): script is readonly Reply[] {
  return Array.isArray(script)
}

function expired(predicate: () => boolean, timeoutMs: number, requests: readonly RecordedRequest[]): string {
  const lines = requests.map(
    ({ index, method, path, auxiliary, state, deltas }) =>
      `  #${index} ${method} ${path}${auxiliary ? ' (auxiliary)' : ''}: ${state}, ${deltas} deltas`,
  )
  return [`The mock provider waited ${timeoutMs} ms in vain for ${predicate}. Requests:`, ...lines].join('\n')
}
