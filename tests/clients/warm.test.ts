import { describe, expect, test } from 'bun:test'
import type { RecordedRequest } from '../support/mock-provider/index.ts'
import { CHAT_BACKENDS, type ChatBackend, type ChatStage, describeChat, timesHeard } from './suite.ts'

const LONG_MS = 180_000

interface Message {
  readonly role: 'user' | 'assistant' | 'system'
  readonly content: string
}
interface Answer {
  readonly text: string
  readonly start: string | null
  /** To go on with, where the API has one. */
  readonly id?: string
  /** What the provider was asked. */
  readonly call: RecordedRequest
}
/** Sends a whole conversation. `previous` names the answer before the last message, where the API has names. */
type Ask = (backend: ChatBackend, messages: readonly Message[], previous?: string) => Promise<Answer>

/** Ways to send a chat, each as its clients do: with the answers just as they were received. */
function waysOf(stage: ChatStage): Record<string, Ask> {
  const post = async (path: string, body: Readonly<Record<string, unknown>>) => {
    const before = stage.model.calls.length
    const response = await fetch(`${stage.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const answer = await response.text()
    expect([response.status, response.ok ? '' : answer]).toEqual([200, ''])
    const call = stage.model.calls[before] as RecordedRequest
    return { answer, call, start: response.headers.get('x-clinvk-start') }
  }
  const jsonOf = <T>(text: string) => JSON.parse(text) as T
  return {
    'chat completions': async (model, messages) => {
      const { answer, ...rest } = await post('/openai/v1/chat/completions', { model, messages })
      type Body = { choices: [{ message: { content: string } }] }
      return { ...rest, text: jsonOf<Body>(answer).choices[0].message.content }
    },
    'streamed chat completions': async (model, messages) => {
      const body = { model, messages, stream: true }
      const { answer, ...rest } = await post('/openai/v1/chat/completions', body)
      type Chunk = { choices: { delta: { content?: string } }[] }
      const chunks = [...answer.matchAll(/^data: (\{.*)$/gm)].map((found) => jsonOf<Chunk>(found[1] ?? ''))
      return { ...rest, text: chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('') }
    },
    responses: async (model, messages) => {
      const { answer, ...rest } = await post('/openai/v1/responses', { model, input: messages })
      type Body = { output: { type: string; content: { text: string }[] }[] }
      const said = jsonOf<Body>(answer).output.flatMap(({ type, content }) =>
        type === 'message' ? content : [],
      )
      return { ...rest, text: said.map(({ text }) => text).join('') }
    },
    'responses that name the one before': async (model, messages, previous) => {
      const input = previous === undefined ? messages : messages.slice(-1)
      const { answer, ...rest } = await post('/openai/v1/responses', {
        model,
        input,
        ...(previous === undefined ? {} : { previous_response_id: previous }),
      })
      type Body = { id: string; output: { type: string; content: { text: string }[] }[] }
      const { id, output } = jsonOf<Body>(answer)
      const said = output.flatMap(({ type, content }) => (type === 'message' ? content : []))
      return { ...rest, id, text: said.map(({ text }) => text).join('') }
    },
    messages: async (model, messages) => {
      const body = { model, messages, max_tokens: 1000 }
      const { answer, ...rest } = await post('/anthropic/v1/messages', body)
      type Body = { content: { type: string; text: string }[] }
      const said = jsonOf<Body>(answer).content
      return { ...rest, text: said.map(({ text }) => text).join('') }
    },
  }
}

describeChat('a chat whose client sends all of it again', (stage) => {
  const ways = waysOf(stage)
  const user = (content: string): Message => ({ role: 'user', content })
  const said = (content: string): Message => ({ role: 'assistant', content })

  describe.each(CHAT_BACKENDS.map((backend) => [backend]))('with %s', (backend) => {
    test.each(Object.keys(ways))(
      'goes on in one agent by %s, turn after turn, and its provider hears everything once',
      async (way) => {
        const ask = ways[way] as Ask
        // With white space where clients and translators may lose it.
        stage.model.play(['ONE.\n\nA list:\n- a\n', ' TWO ', 'THREE'].map((text) => ({ text: [text] })))
        const messages: Message[] = []
        const starts: (string | null)[] = []
        let previous: string | undefined
        for (const turn of ['first', 'second', 'third']) {
          messages.push(user(`${way} ${turn} question`))
          const answer = await ask(backend, messages, previous)
          starts.push(answer.start)
          for (const { content } of messages)
            expect(timesHeard(answer.call, JSON.stringify(content).slice(1, -1))).toBe(1)
          messages.push(said(answer.text))
          previous = answer.id
        }
        expect(starts.slice(1)).toEqual(['warm', 'warm'])
        expect(starts[0]).not.toBe('warm')
      },
      LONG_MS,
    )

    test(
      'goes on for longer than an agent bears in one session',
      async () => {
        const ask = ways['chat completions'] as Ask
        stage.model.play({ text: 'More.' })
        const messages: Message[] = []
        const starts: (string | null)[] = []
        for (let turn = 0; turn < 25; turn += 1) {
          messages.push(user(`${backend} long ${turn}.`))
          const answer = await ask(backend, messages)
          starts.push(answer.start)
          for (const { content } of messages.filter(({ role }) => role === 'user'))
            expect(timesHeard(answer.call, content)).toBe(1)
          messages.push(said(answer.text))
        }
        expect(starts.filter((start) => start !== 'warm').length).toBeLessThanOrEqual(2)
      },
      LONG_MS,
    )

    test(
      'that is edited is told anew, and neither branch hears of the other',
      async () => {
        const ask = ways['chat completions'] as Ask
        stage.model.play([
          { text: 'RED' },
          { text: 'GREEN' },
          { text: 'BLUE' },
          { text: 'WHITE' },
          { text: 'END' },
        ])
        const begun = [user(`${backend} colours?`)]
        const red = await ask(backend, begun)
        const first = [...begun, said(red.text), user('And the branch Alpha?')]
        const green = await ask(backend, first)
        const other = [...begun, said(red.text), user('And the branch Beta?')]
        const blue = await ask(backend, other)
        expect([green.start, blue.start === 'warm']).toEqual(['warm', false])
        expect(timesHeard(blue.call, 'Alpha')).toBe(0)
        expect(timesHeard(blue.call, 'GREEN')).toBe(0)
        expect(timesHeard(blue.call, 'RED')).toBe(1)
        const white = await ask(backend, [...first, said(green.text), user('More.')])
        expect(white.start).toBe('warm')
        expect(timesHeard(white.call, 'Beta')).toBe(0)
        expect(timesHeard(white.call, 'BLUE')).toBe(0)
        const end = await ask(backend, [...other, said(blue.text), user('More.')])
        expect(end.start).toBe('warm')
        expect(timesHeard(end.call, 'Alpha')).toBe(0)
      },
      LONG_MS,
    )

    test(
      'twice at once, is gone on with by one of the two',
      async () => {
        const ask = ways['chat completions'] as Ask
        stage.model.play({ text: 'SAME' })
        const begun = [user(`${backend} twice?`)]
        const first = await ask(backend, begun)
        const next = [...begun, said(first.text), user('Again?')]
        const before = stage.model.calls.length
        const both = await Promise.all([ask(backend, next), ask(backend, next)])
        expect(both.filter(({ start }) => start === 'warm')).toHaveLength(1)
        for (const call of stage.model.calls.slice(before)) {
          expect(timesHeard(call, `${backend} twice?`)).toBe(1)
          expect(timesHeard(call, 'Again?')).toBe(1)
        }
        expect(stage.model.calls).toHaveLength(before + 2)
      },
      LONG_MS,
    )
  })
})
