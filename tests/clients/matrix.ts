import { describe, expect, test } from 'bun:test'
import { withQuickRetries } from './quick-retries.ts'
import {
  CHAT_BACKENDS,
  type ChatBackend,
  type ChatStage,
  expectHistory,
  lastCall,
  PNG,
  timesHeard,
  WORDS,
} from './suite.ts'

/** A message of a conversation, before a library's own words for it. */
export interface Said {
  readonly role: 'system' | 'user' | 'assistant'
  readonly text: string
  /** A PNG in base64, in front of the text. */
  readonly image?: string
}

/** What a library is asked for. */
export interface Ask {
  readonly model: ChatBackend
  readonly messages: readonly Said[]
  readonly signal?: AbortSignal | undefined
}

/** A client library with all its defaults, above all the retries. */
export interface ChatClient {
  /** The text of an answer in one piece. */
  ask(ask: Ask): Promise<string>
  /** The same as it comes. */
  stream(ask: Ask): AsyncIterable<string>
  /** The status that an error of the library's own tells; undefined for any other error. */
  statusOf(error: unknown): number | undefined
}

/** Libraries send a request again for the last two. The first is for a stream. */
const FAILURES = [400, 429, 500] as const
type FailureStatus = (typeof FAILURES)[number]

/** How often each agent asks its provider in one turn that is refused, by its own retries. */
const TRIES: Readonly<Record<ChatBackend, Readonly<Record<FailureStatus, number>>>> = {
  // It takes betas out of a request that was refused, one by one.
  claude: { 400: 4, 429: 2, 500: 2 },
  // It tries the request again, and the stream.
  codex: { 400: 1, 429: 1, 500: 4 },
  gemini: { 400: 1, 429: 1, 500: 1 },
  opencode: { 400: 1, 429: 6, 500: 6 },
}

const HISTORY: readonly Said[] = [
  { role: 'system', text: WORDS.system },
  { role: 'user', text: WORDS.first },
  { role: 'assistant', text: WORDS.answer },
  { role: 'user', text: WORDS.second },
]

/** Declares what every library is tried with on every agent. `clients` is by name; each is made when it is used. */
export function describeClients(stage: ChatStage, clients: Readonly<Record<string, ChatClient>>): void {
  describe.each(Object.entries(clients))('%s', (name, client) => {
    describe.each(CHAT_BACKENDS.map((model) => [model]))('with %s', (model) => {
      const user = (text: string): Ask => ({ model, messages: [{ role: 'user', text }] })

      test('answers in one piece, and has its history reach the provider', async () => {
        stage.model.play({ text: ['Hello ', 'there.'] })
        expect(await client.ask({ model, messages: HISTORY })).toBe('Hello there.')
        expectHistory(model, lastCall(stage))
      })

      test('streams, and has its history reach the provider', async () => {
        stage.model.play({ text: ['One ', 'two ', 'three.'], delayMs: 20 })
        const pieces = await Array.fromAsync(client.stream({ model, messages: HISTORY }))
        expect(pieces.join('')).toBe('One two three.')
        expect(pieces.filter((piece) => piece !== '').length).toBeGreaterThan(1)
        expectHistory(model, lastCall(stage))
      })

      test('shows an image', async () => {
        stage.model.play({ text: 'A pixel.' })
        const asked = stage.model.calls.length
        const messages: Said[] = [{ role: 'user', text: 'What is it?', image: PNG }]
        expect(await client.ask({ model, messages })).toBe('A pixel.')
        expect(stage.model.calls.length).toBe(asked + 1)
        expect(timesHeard(lastCall(stage), PNG)).toBe(1)
        expect(timesHeard(lastCall(stage), 'What is it?')).toBe(1)
      })

      test('leaves a stream, and the provider is let go', async () => {
        stage.model.play({ text: ['a ', 'b'], stallAfter: 1 })
        const leaving = new AbortController()
        const heard: string[] = []
        const read = async () => {
          for await (const piece of client.stream({ ...user(`leave ${name}`), signal: leaving.signal })) {
            if (piece !== '') heard.push(piece)
            if (piece !== '') leaving.abort()
          }
        }
        // Some libraries throw then, others end the stream.
        await read().catch(() => {})
        expect(heard.join('').trim()).toBe('a')
        await expectLetGo()
      })

      test('leaves before an answer in one piece, and the provider is let go', async () => {
        stage.model.play({ text: ['a ', 'b'], stallAfter: 1 })
        const asked = stage.model.calls.length
        const leaving = new AbortController()
        const answer = client.ask({ ...user(`leave ${name} early`), signal: leaving.signal }).then(
          () => 'answered',
          () => 'thrown',
        )
        await stage.model.waitFor(() => stage.model.calls[asked]?.deltas === 1)
        leaving.abort()
        expect(await answer).toBe('thrown')
        await expectLetGo()
        expect(stage.model.calls.length).toBe(asked + 1)
      })
    })

    async function expectLetGo() {
      await stage.model.idle()
      expect(lastCall(stage).state).toBe('aborted')
    }

    test('throws a refusal as what it is, and its own retries run no agent again', async () => {
      stage.model.play(({ prompt }) => ({
        status: Number(/fail with (\d+)/.exec(prompt)?.[1]),
        message: 'Refused by the test.',
        retryAfter: 0.01,
      }))
      const runs = CHAT_BACKENDS.flatMap((model) =>
        FAILURES.map((status) => ({
          model,
          status,
          text: `Please fail with ${status} on ${model} for ${name}.`,
        })),
      )
      const answered = () => 'answered'
      // What fails after the headers are out has no status.
      const inStream = (error: unknown) => (String(error).includes('Refused by the test.') ? 400 : error)
      const outcomes = await withQuickRetries(() =>
        Promise.all(
          runs.map(({ model, status, text }) => {
            const ask: Ask = { model, messages: [{ role: 'user', text }] }
            if (status === 400) return Array.fromAsync(client.stream(ask)).then(answered, inStream)
            return client.ask(ask).then(answered, (error: unknown) => client.statusOf(error) ?? error)
          }),
        ),
      )
      const seen = runs.map(({ model, text }, index) => {
        const tries = stage.model.calls.filter((call) => timesHeard(call, text) > 0).length
        return `${model}: ${outcomes[index]} after ${tries} calls`
      })
      expect(seen).toEqual(
        runs.map(({ model, status }) => `${model}: ${status} after ${TRIES[model][status]} calls`),
      )
    }, 180_000)

    test('gets 20 answers at once, each its own', async () => {
      const asked = stage.model.calls.length
      stage.model.play(({ prompt }) => ({ text: `It is ${/word-\d+\./.exec(prompt)}`, delayMs: 5 }))
      const words = Array.from({ length: 20 }, (_, index) => `word-${index}.`)
      const answers = await Promise.all(
        words.map(async (word, index) => {
          const model = CHAT_BACKENDS[index % CHAT_BACKENDS.length] ?? 'claude'
          const ask: Ask = { model, messages: [{ role: 'user', text: `Say ${word}` }] }
          // Of four in a row all in one piece, of the next four all as a stream: each agent does both.
          const streams = Math.floor(index / 2) % 2 === 1
          return streams ? (await Array.fromAsync(client.stream(ask))).join('') : client.ask(ask)
        }),
      )
      expect(answers).toEqual(words.map((word) => `It is ${word}`))
      const calls = stage.model.calls.slice(asked)
      expect(calls).toHaveLength(20)
      const heard = words.map((word) => calls.map((call) => timesHeard(call, `Say ${word}`)).join(''))
      for (const times of heard) expect(times.replaceAll('0', '')).toBe('1')
    }, 180_000)
  })
}

/** Declares what is tried with one library of each dialect. */
export function describePrompts(stage: ChatStage, client: ChatClient): void {
  test.each(CHAT_BACKENDS.map((model) => [model]))('a prompt of 200 KB reaches %s whole', async (model) => {
    stage.model.play({ text: 'Long.' })
    const text = `BEGIN ${Array.from({ length: 25_000 }, (_, index) => `${index % 10} of ten`).join(' ')} END`
    expect(text.length).toBeGreaterThan(200_000)
    expect(await client.ask({ model, messages: [{ role: 'user', text }] })).toBe('Long.')
    expect(timesHeard(lastCall(stage), text)).toBe(1)
  })

  test.each(CHAT_BACKENDS.map((model) => [model]))(
    'a prompt that looks like a flag is a prompt to %s',
    async (model) => {
      stage.model.play({ text: 'A flag.' })
      const asked = stage.model.calls.length
      const messages: Said[] = [{ role: 'user', text: '--version' }]
      expect(await client.ask({ model, messages })).toBe('A flag.')
      expect(stage.model.calls.length).toBe(asked + 1)
      expect(lastCall(stage).prompt).toBe('--version')
      expect(timesHeard(lastCall(stage), '--version')).toBe(1)
    },
  )
}
