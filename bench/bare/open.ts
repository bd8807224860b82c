import { jsonLines, type Message } from '../lines.ts'
import { end, type Place, start } from '../processes.ts'

/** An agent that is driven by nothing but its protocol. */
interface BareAgent {
  /** Runs a turn to its end, and tells after how many ms its first text came. */
  turn(text: string): Promise<number>
  end(): Promise<void>
}

/** Begins a new conversation. */
export type OpenBare = () => Promise<BareAgent>

/** A process that speaks JSON, one message a line. */
export interface Lines {
  send(message: Message): void
  /** The next message that is looked for. */
  until(matches: (message: Message) => boolean): Promise<Message>
  end(): Promise<void>
}

const TIMEOUT_MS = 60_000

export function openLines(cmd: readonly string[], place: Place): Lines {
  const child = start(cmd, place, { stdin: 'pipe' })
  const waiting = new Set<{ matches(message: Message): boolean; resolve(message: Message): void }>()
  void (async () => {
    for await (const message of jsonLines(child.stdout))
      for (const wait of waiting) if (wait.matches(message)) wait.resolve(message)
  })()
  return {
    send(message) {
      if (typeof child.stdin !== 'object') throw new Error('It has no stdin.')
      child.stdin.write(`${JSON.stringify(message)}\n`)
      void child.stdin.flush()
    },
    until(matches) {
      const { promise, resolve, reject } = Promise.withResolvers<Message>()
      const timer = setTimeout(() => reject(new Error(`${cmd.join(' ')} did not answer.`)), TIMEOUT_MS)
      const wait = { matches, resolve }
      waiting.add(wait)
      return promise.finally(() => {
        clearTimeout(timer)
        waiting.delete(wait)
      })
    },
    end: () => end(child),
  }
}

/** Calls a method of JSON-RPC and waits for its result. */
export async function call(lines: Lines, request: { id: number }): Promise<Message> {
  const answered = lines.until(isAnswerTo(request))
  lines.send(request)
  const { result, error } = await answered
  if (error) throw new Error(`The agent answered with an error: ${JSON.stringify(error)}`)
  return result
}

export function isAnswerTo(request: { id: number }): (message: Message) => boolean {
  return ({ id, method }) => id === request.id && method === undefined
}

/** Sends something and waits for its first text and its end. */
export async function timeTurn(
  lines: Lines,
  message: Message,
  isText: (message: Message) => boolean,
  isEnd: (message: Message) => boolean,
): Promise<number> {
  const began = performance.now()
  const first = lines.until(isText).then(() => performance.now() - began)
  const ended = lines.until(isEnd)
  lines.send(message)
  const [ms] = await Promise.all([first, ended])
  return ms
}
