import { beforeAll, describe, expect, test } from 'bun:test'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import OpenAI from 'openai'
import type {
  ChatCompletionCreateParamsNonStreaming,
  ChatCompletionMessage,
  ChatCompletionMessageParam,
} from 'openai/resources/chat/completions'
import type { RecordedRequest, Reply } from '../support/mock-provider/index.ts'
import { runningIn, waitUntil } from '../support/processes.ts'
import { type ChatStage, describeChat, timesHeard } from './suite.ts'
import { offeredName, roundsOf } from './tool-suite.ts'

const BACKENDS = ['claude', 'codex', 'gemini'] as const
type Backend = (typeof BACKENDS)[number]

const LONG_MS = 180_000
const ABANDONED = 'No result: the call was not carried out.'

const city = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
const WEATHER = {
  type: 'function',
  function: { name: 'weather', description: 'W.', parameters: city },
} as const
const CLOCK = { type: 'function', function: { name: 'clock', description: 'C.', parameters: city } } as const
const TOOLS = [WEATHER, CLOCK]

type Step = (request: RecordedRequest) => Reply
type Call = readonly [name: string, city: string]

const calling =
  (...calls: readonly Call[]): Step =>
  (request) => ({
    text: 'Let me see.',
    toolCalls: calls.map(([name, city]) => ({ name: offeredName(request, name), input: { city } })),
  })
const saying =
  (text: string): Step =>
  () => ({ text })

/** A conversation of a client with an agent whose model has a script of its own. */
interface Scene {
  readonly tag: string
  /** What was said so far; tests change it as clients do. */
  messages: ChatCompletionMessageParam[]
  /** The calls of the model. */
  calls(): RecordedRequest[]
  lastCall(): RecordedRequest
  /** Whether its last call came from the agent of its first. */
  isSameAgent(): boolean
  /** Sends what was said, and notes the answer. */
  ask(more?: Partial<ChatCompletionCreateParamsNonStreaming>): Promise<ChatCompletionMessage>
  /** Notes results for the first calls of the last answer. */
  give(...results: readonly string[]): void
}

/** Makes scenes, whose models are told apart by the words of their user. Any number of them play at once. */
function createScenes(stage: ChatStage) {
  const scripts = new Map<string, readonly Step[]>()
  const callsOf = (tag: string) =>
    stage.model.calls.filter(({ body }) => JSON.stringify(body).includes(`${tag}.`))
  const reply = (request: RecordedRequest): Reply => {
    const tag = /scene-\d+(?=\.)/.exec(JSON.stringify(request.body))?.[0] ?? ''
    const step = scripts.get(tag)?.[callsOf(tag).length - 1]
    return step?.(request) ?? { text: 'The model was asked once too often.' }
  }
  beforeAll(() => stage.model.play(reply))

  return (model: Backend, ...steps: readonly Step[]): Scene => {
    const tag = `scene-${scripts.size + 1}`
    scripts.set(tag, steps)
    return {
      tag,
      isSameAgent() {
        const [first] = callsOf(tag)
        return first !== undefined && isSameAgent(first, this.lastCall())
      },
      messages: [{ role: 'user', content: `Begin with ${tag}.` }],
      calls: () => callsOf(tag),
      lastCall() {
        const call = callsOf(tag).at(-1)
        if (!call) throw new Error('The provider was not called.')
        return call
      },
      async ask(more = {}) {
        const client = new OpenAI({ baseURL: `${stage.url}/openai/v1`, apiKey: 'not-needed', maxRetries: 0 })
        const answer = await client.chat.completions.create({
          model,
          messages: this.messages,
          tools: TOOLS,
          ...more,
        })
        const message = answer.choices[0]?.message
        if (!message) throw new Error('There is no answer.')
        this.messages.push(message)
        return message
      },
      give(...results) {
        const answer = this.messages.findLast(({ role }) => role === 'assistant') as ChatCompletionMessage
        for (const [index, content] of results.entries())
          this.messages.push({ role: 'tool', tool_call_id: answer.tool_calls?.[index]?.id ?? '', content })
      },
    }
  }
}

/** Whether the agent that made calls is the one that got their results, and not another that was told of both. */
function isSameAgent(made: RecordedRequest, told: RecordedRequest): boolean {
  // Gemini CLI names no session. It marks what its own calls gave, and nothing that it is only told of.
  if (told.dialect === 'gemini') return JSON.stringify(told.body).includes('<untrusted_context>')
  const [one, other] = [made, told].map(
    ({ body }) => /session_id\W+([\w-]{36})/.exec(JSON.stringify(body))?.[1] ?? 'nothing',
  )
  return one === other
}

const namesOf = ({ tool_calls: calls = [] }: ChatCompletionMessage) =>
  calls.map((call) => (call.type === 'function' ? call.function.name : ''))

/** The results that the model was told, by rounds. */
const toldIn = (request: RecordedRequest) =>
  roundsOf(request).map(({ calls, results }) => {
    expect(results.map(({ id }) => id)).toEqual(calls.map(({ id }) => id))
    return results.map(({ said }) => said)
  })

const scratchIn = (stage: ChatStage) => readdir(join(stage.home, '.clinvk', 'scratch')).catch(() => [])

/** Nothing of a conversation is left: its folder, and the process where it had one of its own. */
async function expectFreed(stage: ChatStage): Promise<void> {
  await waitUntil(async () => (await scratchIn(stage)).length === 0, { what: 'the end of the conversation' })
  const isClaude = async () => (await runningIn(stage.home)).some(({ command }) => /claude -p/.test(command))
  await waitUntil(async () => !(await isClaude()), { what: 'the end of Claude Code' })
  expect(stage.model.inFlight).toBe(0)
}

/** An agent ends with its answer, so that what is left can only be one that waits for results. */
const NOTHING_KEPT = 'conversations:\n  keep_alive_secs: 0\npool:\n  minimum: 0\n'

describeChat(
  'a client that leaves an agent waiting',
  (stage) => {
    const newScene = createScenes(stage)

    test.each(BACKENDS)(
      'for good: %s is freed, and asks nothing more; coming back late is answered all the same',
      async (backend) => {
        const scene = newScene(backend, calling(['weather', 'Rome']), saying('Better late.'))
        expect(namesOf(await scene.ask())).toEqual(['weather'])
        expect(await scratchIn(stage)).toHaveLength(1)
        await expectFreed(stage)
        expect(scene.calls()).toHaveLength(1)

        scene.give('22 degrees')
        expect((await scene.ask()).content).toBe('Better late.')
        expect(scene.calls()).toHaveLength(2)
        expect(timesHeard(scene.lastCall(), `Begin with ${scene.tag}.`)).toBe(1)
        expect(timesHeard(scene.lastCall(), '22 degrees')).toBe(1)
        await expectFreed(stage)
      },
      LONG_MS,
    )
  },
  `chat:\n  tool_result_timeout_secs: 1\n${NOTHING_KEPT}`,
)

describeChat(
  'a conversation whose calls wait',
  (stage) => {
    const newScene = createScenes(stage)

    test.each(BACKENDS)(
      'goes on after a restart of the server with %s',
      async (backend) => {
        const scene = newScene(backend, calling(['weather', 'Rome']), saying('As if nothing was.'))
        await scene.ask()
        await stage.restart()
        await expectFreed(stage)
        scene.give('22 degrees')
        expect((await scene.ask()).content).toBe('As if nothing was.')
        expect(scene.calls()).toHaveLength(2)
        expect(timesHeard(scene.lastCall(), '22 degrees')).toBe(1)
      },
      LONG_MS,
    )

    test.each(BACKENDS)(
      'is left for another question: %s is told that the call was not carried out, and nothing waits on',
      async (backend) => {
        const scene = newScene(backend, calling(['weather', 'Rome']), saying('Never mind.'))
        await scene.ask()
        scene.messages.push({ role: 'user', content: 'Forget the weather.' })
        expect((await scene.ask()).content).toBe('Never mind.')
        expect(scene.calls()).toHaveLength(2)
        expect(timesHeard(scene.lastCall(), 'Forget the weather.')).toBe(1)
        expect(timesHeard(scene.lastCall(), ABANDONED)).toBe(1)
        await expectFreed(stage)
      },
      LONG_MS,
    )
  },
  NOTHING_KEPT,
)

describeChat(
  'calls of tools',
  (stage) => {
    const newScene = createScenes(stage)
    const can = async (backend: Backend) => {
      const { backends } = (await (await fetch(`${stage.url}/api/v1/backends`)).json()) as {
        backends: { name: string; capabilities: { tool_choice: string } }[]
      }
      return backends.find(({ name }) => name === backend)?.capabilities.tool_choice !== 'none'
    }

    describe.each(BACKENDS.map((name) => [name]))('with %s', (backend) => {
      const both = backend === 'gemini' ? 1 : 2

      test.concurrent(
        'go on from another connection in the same session of the agent',
        async () => {
          const scene = newScene(backend, calling(['weather', 'Rome']), saying('It is warm.'))
          await scene.ask()
          scene.give('22 degrees')
          const headers = { 'content-type': 'application/json', connection: 'close' }
          const body = JSON.stringify({ model: backend, messages: scene.messages, tools: TOOLS })
          const response = await fetch(`${stage.url}/openai/v1/chat/completions`, {
            method: 'POST',
            body,
            // The SDK's key makes its caller.
            headers: { ...headers, authorization: 'Bearer not-needed' },
          })
          expect(await response.json()).toMatchObject({ choices: [{ message: { content: 'It is warm.' } }] })
          expect(scene.calls()).toHaveLength(2)
          expect(scene.isSameAgent()).toBe(true)
        },
        LONG_MS,
      )

      test.concurrent(
        'are not gone on with by somebody else, who is answered for himself',
        async () => {
          const scene = newScene(
            backend,
            calling(['weather', 'Rome']),
            saying('Who are you?'),
            saying('It is you.'),
          )
          await scene.ask()
          scene.give('22 degrees')
          const others = new OpenAI({ baseURL: `${stage.url}/openai/v1`, apiKey: 'another', maxRetries: 0 })
          const answer = await others.chat.completions.create({
            model: backend,
            messages: scene.messages,
            tools: TOOLS,
          })
          expect(answer.choices[0]?.message.content).toBe('Who are you?')
          expect((await scene.ask()).content).toBe('It is you.')
          const [first, second, third, ...more] = scene.calls()
          if (!first || !second || !third) throw new Error('The model was asked too seldom.')
          expect(isSameAgent(first, second)).toBe(false)
          expect(isSameAgent(first, third)).toBe(true)
          expect(more).toEqual([])
        },
        LONG_MS,
      )

      test.concurrent(
        'are told with ids of their own, where the client numbers those of each answer anew',
        async () => {
          const scene = newScene(backend, saying('It is warm.'))
          const call = (city: string) => ({
            id: 'call_0',
            type: 'function' as const,
            function: { name: 'weather', arguments: JSON.stringify({ city }) },
          })
          for (const city of ['Rome', 'Oslo', 'Bern'])
            scene.messages.push(
              { role: 'assistant', content: null, tool_calls: [call(city)] },
              { role: 'tool', tool_call_id: 'call_0', content: `warm in ${city}` },
            )
          expect((await scene.ask()).content).toBe('It is warm.')
          expect(toldIn(scene.lastCall())).toEqual(
            ['Rome', 'Oslo', 'Bern'].map((city) => [expect.stringContaining(`warm in ${city}`)]),
          )
          const ids = roundsOf(scene.lastCall()).flatMap(({ calls }) => calls.map(({ id }) => id))
          expect(ids).toEqual(['call_0', 'call_0-2', 'call_0-3'])
        },
        LONG_MS,
      )

      test.concurrent(
        'reach tools that are named like those of agents',
        async () => {
          const names = ['read_file', 'ask_user', 'Bash', 'shell']
          const scene = newScene(
            backend,
            (request) => ({
              toolCalls: [{ name: offeredName(request, 'read_file'), input: { city: 'Rome' } }],
            }),
            saying('Read.'),
          )
          const tools = names.map((name) => ({ ...WEATHER, function: { ...WEATHER.function, name } }))
          expect(namesOf(await scene.ask({ tools }))).toEqual(['read_file'])
          expect(scene.lastCall().tools).toHaveLength(names.length)
          scene.give('its text')
          expect((await scene.ask({ tools })).content).toBe('Read.')
          expect(timesHeard(scene.lastCall(), 'its text')).toBe(1)
        },
        LONG_MS,
      )

      test.concurrent(
        'go on with other tools',
        async () => {
          const scene = newScene(backend, calling(['weather', 'Rome']), saying('Noted.'))
          await scene.ask()
          scene.give('22 degrees')
          expect((await scene.ask({ tools: [CLOCK] })).content).toBe('Noted.')
          expect(scene.calls()).toHaveLength(2)
          expect(scene.lastCall().tools).toEqual([offeredName(scene.lastCall(), 'clock')])
          expect(scene.isSameAgent()).toBe(false)
          expect(timesHeard(scene.lastCall(), '22 degrees')).toBe(1)
        },
        LONG_MS,
      )

      test.concurrent(
        'go on with an earlier message that was edited',
        async () => {
          const scene = newScene(backend, calling(['weather', 'Rome']), saying('Noted.'))
          await scene.ask()
          scene.messages[0] = { role: 'user', content: `Begin anew with ${scene.tag}.` }
          scene.give('22 degrees')
          expect((await scene.ask()).content).toBe('Noted.')
          expect(scene.calls()).toHaveLength(2)
          expect(timesHeard(scene.lastCall(), `Begin anew with ${scene.tag}.`)).toBe(1)
          expect(timesHeard(scene.lastCall(), `Begin with ${scene.tag}.`)).toBe(0)
          expect(timesHeard(scene.lastCall(), '22 degrees')).toBe(1)
        },
        LONG_MS,
      )

      test.concurrent(
        'of which only one is answered',
        async () => {
          const scene = newScene(
            backend,
            calling(['weather', 'Rome'], ['clock', 'Oslo']),
            saying('Half is enough.'),
          )
          const calls = namesOf(await scene.ask())
          expect(calls).toHaveLength(both)
          scene.give('22 degrees')
          if (both === 1) {
            // It makes its calls one at a time: here is the other.
            expect(namesOf(await scene.ask())).toEqual(['clock'])
            scene.messages.push({ role: 'user', content: 'Half, please.' })
          }
          expect((await scene.ask()).content).toBe('Half is enough.')
          expect(scene.calls()).toHaveLength(2)
          expect(timesHeard(scene.lastCall(), '22 degrees')).toBe(1)
          expect(timesHeard(scene.lastCall(), ABANDONED)).toBe(1)
        },
        LONG_MS,
      )

      test.concurrent(
        'are told one at a time where the client wants it so',
        async () => {
          const scene = newScene(
            backend,
            calling(['weather', 'Rome'], ['clock', 'Oslo']),
            saying('Both known.'),
          )
          const serial = { parallel_tool_calls: false }
          expect(namesOf(await scene.ask(serial))).toEqual(['weather'])
          scene.give('22 degrees')
          expect(namesOf(await scene.ask(serial))).toEqual(['clock'])
          expect(scene.calls()).toHaveLength(1)
          scene.give('noon')
          expect((await scene.ask(serial)).content).toBe('Both known.')
          expect(scene.calls()).toHaveLength(2)
          expect(toldIn(scene.lastCall())).toEqual([
            [expect.stringContaining('22 degrees'), expect.stringContaining('noon')],
          ])
        },
        LONG_MS,
      )

      test.concurrent(
        'of a tool that is not offered any more stay in the history',
        async () => {
          const scene = newScene(backend, saying('An old story.'))
          scene.messages.push(
            {
              role: 'assistant',
              content: null,
              tool_calls: [
                { id: 'old_1', type: 'function', function: { name: 'gone', arguments: '{"city":"Bonn"}' } },
              ],
            },
            { role: 'tool', tool_call_id: 'old_1', content: 'it rained' },
            { role: 'user', content: 'And then?' },
          )
          expect((await scene.ask()).content).toBe('An old story.')
          const sent = scene.lastCall()
          for (const text of ['it rained', 'Bonn', 'And then?']) expect(timesHeard(sent, text)).toBe(1)
          expect(roundsOf(sent).flatMap(({ calls }) => calls)).toMatchObject([
            { name: expect.stringContaining('gone'), input: { city: 'Bonn' } },
          ])
          expect(sent.tools).toHaveLength(TOOLS.length)
        },
        LONG_MS,
      )

      test.concurrent(
        'may have results in parts',
        async () => {
          const scene = newScene(backend, calling(['weather', 'Rome']), saying('Noted.'))
          const { tool_calls: [call] = [] } = await scene.ask()
          scene.messages.push({
            role: 'tool',
            tool_call_id: call?.id ?? '',
            content: [
              { type: 'text', text: 'first part' },
              { type: 'text', text: 'second part' },
            ],
          })
          expect((await scene.ask()).content).toBe('Noted.')
          expect(scene.calls()).toHaveLength(2)
          const [[said = ''] = []] = toldIn(scene.lastCall())
          expect(said.indexOf('second part')).toBeGreaterThan(said.indexOf('first part'))
          expect(said).toContain('first part')
        },
        LONG_MS,
      )

      test.concurrent(
        'may fail, and the model is told',
        async () => {
          const scene = newScene(backend, calling(['weather', 'Rome']), saying('A pity.'))
          const ask = async (messages: unknown[]) => {
            const response = await fetch(`${stage.url}/anthropic/v1/messages`, {
              method: 'POST',
              headers: { 'content-type': 'application/json' },
              body: JSON.stringify({
                model: backend,
                max_tokens: 100,
                messages,
                tools: [{ name: 'weather', input_schema: city }],
              }),
            })
            return (await response.json()) as { content: { type: string; id?: string; text?: string }[] }
          }
          const question = { role: 'user', content: `Begin with ${scene.tag}.` }
          const { content: calls } = await ask([question])
          const content = [
            {
              type: 'tool_result',
              tool_use_id: calls.at(-1)?.id,
              is_error: true,
              content: [{ type: 'text', text: 'the station is down' }],
            },
          ]
          const answer = await ask([
            question,
            { role: 'assistant', content: calls },
            { role: 'user', content },
          ])
          expect(answer.content).toMatchObject([{ type: 'text', text: 'A pity.' }])
          expect(scene.calls()).toHaveLength(2)
          const sent = JSON.stringify(scene.lastCall().body)
          expect(toldIn(scene.lastCall())).toEqual([[expect.stringContaining('the station is down')]])
          if (backend === 'claude') expect(sent).toContain('"is_error":true')
          if (backend === 'gemini') expect(sent).toContain('The tool failed: the station is down')
        },
        LONG_MS,
      )

      test.concurrent(
        'are none where the choice is none, and left to the model where it is auto',
        async () => {
          const none = newScene(backend, saying('Without.'))
          expect((await none.ask({ tool_choice: 'none' })).content).toBe('Without.')
          expect(none.lastCall().tools).toEqual([])
          const auto = newScene(backend, saying('Not needed.'))
          expect((await auto.ask({ tool_choice: 'auto' })).content).toBe('Not needed.')
          expect(auto.lastCall().tools).toHaveLength(TOOLS.length)
          expect(forcedIn(auto.lastCall())).toBeUndefined()
        },
        LONG_MS,
      )

      test.concurrent.each([
        ['required', 'required' as const],
        ['a named one', { type: 'function' as const, function: { name: 'clock' } }],
      ])(
        'are forced where the choice is %s, or the request is refused',
        async (_, choice) => {
          const scene = newScene(backend, calling(['clock', 'Oslo']))
          // Gemini CLI has to know the model for that.
          if (backend === 'gemini' || !(await can(backend))) {
            const failure = await scene.ask({ tool_choice: choice }).catch((error) => error)
            expect(failure).toBeInstanceOf(OpenAI.BadRequestError)
            expect(failure.message).toContain('tool_choice')
            expect(failure.param).toBe('tool_choice')
            expect(scene.calls()).toEqual([])
            if (backend !== 'gemini') return
          }
          const model = backend === 'gemini' ? 'gemini/gemini-2.5-pro' : backend
          expect(namesOf(await scene.ask({ model, tool_choice: choice }))).toEqual(['clock'])
          const sent = scene.lastCall()
          const name = offeredName(sent, 'clock')
          const forced = forcedIn(sent)
          if (choice === 'required') expect(forced).toBe('any')
          // Where it has to be any tool, the named one is the only one.
          else expect(forced === 'any' ? sent.tools : [forced]).toEqual([name])
          expect(scene.calls()).toHaveLength(1)
        },
        LONG_MS,
      )

      test.concurrent(
        'stream in the order of the model, in the dialect of chat completions',
        async () => {
          const scene = newScene(backend, calling(['weather', 'Rome'], ['clock', 'Oslo']))
          const events = await eventsOf(stage, '/openai/v1/chat/completions', {
            model: backend,
            messages: scene.messages,
            tools: TOOLS,
            stream: true,
          })
          const pieces = events.flatMap(({ choices }) => {
            const [{ delta, finish_reason } = {}] = choices as { delta?: Delta; finish_reason?: string }[]
            const { content, tool_calls: [call] = [] } = delta ?? {}
            if (call) return [`${call.index}${call.id ? ` ${call.type} ${call.function.name}` : ''}`]
            return content ? ['text'] : finish_reason ? [finish_reason] : []
          })
          const calls = ['0 function weather', '0', '1 function clock', '1'].slice(0, 2 * both)
          expect(withoutRepeats(pieces)).toEqual(['text', ...calls, 'tool_calls'])
          const written = (at: number) =>
            events
              .flatMap(({ choices }) => (choices as { delta?: Delta }[])[0]?.delta?.tool_calls ?? [])
              .filter(({ index }) => index === at)
              .map((call) => call.function.arguments ?? '')
              .join('')
          expect(JSON.parse(written(0))).toEqual({ city: 'Rome' })
          if (both === 2) expect(JSON.parse(written(1))).toEqual({ city: 'Oslo' })
        },
        LONG_MS,
      )

      test.concurrent(
        'stream in the order of the model, in the dialect of responses',
        async () => {
          const scene = newScene(backend, calling(['weather', 'Rome'], ['clock', 'Oslo']))
          const events = await eventsOf(stage, '/openai/v1/responses', {
            model: backend,
            input: `Begin with ${scene.tag}.`,
            tools: TOOLS.map((tool) => ({ type: 'function', ...tool.function })),
            stream: true,
          })
          const call = [
            'response.output_item.added',
            'response.function_call_arguments.delta',
            'response.function_call_arguments.done',
            'response.output_item.done',
          ]
          // Where many start at once one may be silent for long enough for a sign of life.
          const told = events.map(({ type }) => String(type)).filter((type) => type !== 'keepalive')
          expect(withoutRepeats(told)).toEqual([
            'response.created',
            'response.in_progress',
            'response.output_item.added',
            'response.content_part.added',
            'response.output_text.delta',
            'response.output_text.done',
            'response.content_part.done',
            'response.output_item.done',
            ...call,
            ...(both === 2 ? call : []),
            'response.completed',
          ])
          expect(events.at(-1)).toMatchObject({
            response: {
              output: [
                { type: 'message' },
                { type: 'function_call', name: 'weather', arguments: expect.stringContaining('Rome') },
                { type: 'function_call', name: 'clock', arguments: expect.stringContaining('Oslo') },
              ].slice(0, 1 + both),
            },
          })
          expect(events.map(({ sequence_number: at }) => at)).toEqual(events.map((_, index) => index))
        },
        LONG_MS,
      )

      test.concurrent(
        'stream in the order of the model, in the dialect of messages',
        async () => {
          const scene = newScene(backend, calling(['weather', 'Rome'], ['clock', 'Oslo']))
          const events = await eventsOf(stage, '/anthropic/v1/messages', {
            model: backend,
            max_tokens: 100,
            messages: scene.messages,
            tools: TOOLS.map(({ function: { name, parameters } }) => ({ name, input_schema: parameters })),
            stream: true,
          })
          const told = events.flatMap(({ type, index, content_block, delta }) => {
            if (type === 'ping') return []
            const kind = (content_block as { type: string } | undefined)?.type
            const change = (delta as { type?: string; stop_reason?: string } | undefined) ?? {}
            return [
              [type, index, kind ?? change.type ?? change.stop_reason]
                .filter((part) => part !== undefined)
                .join(' '),
            ]
          })
          const call = (index: number) => [
            `content_block_start ${index} tool_use`,
            `content_block_delta ${index} input_json_delta`,
            `content_block_stop ${index}`,
          ]
          expect(withoutRepeats(told)).toEqual([
            'message_start',
            'content_block_start 0 text',
            'content_block_delta 0 text_delta',
            'content_block_stop 0',
            ...call(1),
            ...(both === 2 ? call(2) : []),
            'message_delta tool_use',
            'message_stop',
          ])
          const names = events.flatMap(
            ({ content_block }) => (content_block as { name?: string } | undefined)?.name ?? [],
          )
          expect(names).toEqual(['weather', 'clock'].slice(0, both))
        },
        LONG_MS,
      )
    })
  },
  // Some of these clients never come back.
  'chat:\n  max_waiting_turns: 100\n',
)

interface Delta {
  readonly content?: string | null
  readonly tool_calls?: readonly {
    readonly index: number
    readonly id?: string
    readonly type?: string
    readonly function: { readonly name?: string; readonly arguments?: string }
  }[]
}

/** What the provider was told that the model has to call: `any` tool, or the name of one. */
function forcedIn({ body, dialect }: RecordedRequest): string | undefined {
  if (dialect === 'gemini') {
    const { toolConfig } = body as {
      toolConfig?: { functionCallingConfig?: { mode?: string; allowedFunctionNames?: string[] } }
    }
    const { mode, allowedFunctionNames: [name, ...others] = [] } = toolConfig?.functionCallingConfig ?? {}
    if (mode !== 'ANY') return undefined
    return name !== undefined && others.length === 0 ? name : 'any'
  }
  const { tool_choice: choice } = body as { tool_choice?: { type?: string; name?: string } }
  return choice?.type === 'tool' ? choice.name : choice?.type === 'any' ? 'any' : undefined
}

/** The data of the events of a streamed answer. */
async function eventsOf(stage: ChatStage, path: string, body: unknown): Promise<Record<string, unknown>[]> {
  const response = await fetch(`${stage.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  expect(response.status).toBe(200)
  const lines = (await response.text()).split('\n').filter((line) => line.startsWith('data: {'))
  return lines.map((line) => JSON.parse(line.slice('data: '.length)))
}

function withoutRepeats(words: readonly string[]): string[] {
  return words.filter((word, index) => word !== words[index - 1])
}
