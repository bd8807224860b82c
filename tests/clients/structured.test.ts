import { beforeAll, describe, expect, test } from 'bun:test'
import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import Anthropic from '@anthropic-ai/sdk'
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod'
import { generateObject, generateText, type LanguageModel, Output, streamText } from 'ai'
import OpenAI from 'openai'
import { zodResponseFormat, zodTextFormat } from 'openai/helpers/zod'
import { z } from 'zod'
import type { RecordedRequest, Reply } from '../support/mock-provider/index.ts'
import { asObject } from '../support/mock-provider/json.ts'
import { describeChat } from './suite.ts'
import { offeredIn, offeredName } from './tool-suite.ts'

const BACKENDS = ['claude', 'codex', 'gemini'] as const
const LONG_MS = 180_000

const Place = z.object({ city: z.string(), people: z.number().int(), rivers: z.array(z.string()) })
const SCHEMA = {
  type: 'object',
  properties: {
    city: { type: 'string' },
    people: { type: 'integer' },
    rivers: { type: 'array', items: { type: 'string' } },
  },
  required: ['city', 'people', 'rivers'],
  additionalProperties: false,
}
const ROME = { city: 'Rome', people: 2_800_000, rivers: ['Tiber', 'Aniene "il piccolo"'] }
const WRONG = { city: 'Wrongtown', people: 'many', rivers: [] }
const USAGE = { input: 40, output: 8 }

/** The tool by which Claude Code has its model answer in JSON. */
const ANSWER_TOOL = 'StructuredOutput'

describeChat('answers in JSON', (stage) => {
  const openai = () => new OpenAI({ baseURL: `${stage.url}/openai/v1`, apiKey: 'not-needed' })
  const anthropic = () => new Anthropic({ baseURL: `${stage.url}/anthropic`, apiKey: 'not-needed' })

  // Models are told apart by the words of their user; the answers are given in their order, the last again.
  const scripts = new Map<string, readonly object[]>()
  const talks = new Map<string, (request: RecordedRequest) => Reply>()
  let prompts = 0
  const callsOf = (prompt: string) =>
    stage.model.calls.filter(({ body }) => JSON.stringify(body).includes(prompt))
  const reply = (request: RecordedRequest): Reply => {
    const prompt = /Describe place-\d+\./.exec(JSON.stringify(request.body))?.[0] ?? ''
    const talk = talks.get(prompt)
    if (talk) return { usage: USAGE, ...talk(request) }
    const values = scripts.get(prompt) ?? []
    const value = values[Math.min(callsOf(prompt).length, values.length) - 1] ?? {}
    return request.tools.includes(ANSWER_TOOL)
      ? { toolCalls: [{ name: ANSWER_TOOL, input: { ...value } }], usage: USAGE }
      : { text: JSON.stringify(value), usage: USAGE }
  }
  beforeAll(() => stage.model.play(reply))
  const named = () => {
    prompts += 1
    return `Describe place-${prompts}.`
  }
  const newPrompt = (...values: readonly object[]): string => {
    const prompt = named()
    scripts.set(prompt, values)
    return prompt
  }
  /** The same for a model that answers as it likes. */
  const newTalk = (talk: (request: RecordedRequest) => Reply): string => {
    const prompt = named()
    talks.set(prompt, talk)
    return prompt
  }
  const user = (content: string) => [{ role: 'user' as const, content }]
  const jsonSchema = {
    type: 'json_schema',
    json_schema: { name: 'place', schema: SCHEMA, strict: true },
  } as const

  describe.each(BACKENDS.map((name) => [name]))('of %s', (model) => {
    test.concurrent(
      'fit the schema of chat.completions.parse, and the model is held to it',
      async () => {
        const prompt = newPrompt(ROME)
        const answer = await openai().chat.completions.parse({
          model,
          messages: user(prompt),
          response_format: zodResponseFormat(Place, 'place'),
        })
        expect(answer.choices[0]?.message.parsed).toEqual(ROME)
        expect(answer.usage).toMatchObject({ completion_tokens: USAGE.output })
        const [call, ...others] = callsOf(prompt)
        expect(others).toEqual([])
        expectHeld(call)
      },
      LONG_MS,
    )

    test.concurrent(
      'fit the schema of responses.parse',
      async () => {
        const prompt = newPrompt(ROME)
        const response = await openai().responses.parse({
          model,
          input: prompt,
          text: { format: zodTextFormat(Place, 'place') },
        })
        expect(response.output_parsed).toEqual(ROME)
        expect(callsOf(prompt)).toHaveLength(1)
        expectHeld(callsOf(prompt)[0])
      },
      LONG_MS,
    )

    test.concurrent(
      'fit the schema of messages.parse',
      async () => {
        const prompt = newPrompt(ROME)
        const message = await anthropic().messages.parse({
          model,
          max_tokens: 1000,
          messages: user(prompt),
          output_config: { format: zodOutputFormat(Place) },
        })
        expect(message.parsed_output).toEqual(ROME)
        expect(message.stop_reason).toBe('end_turn')
        expect(callsOf(prompt)).toHaveLength(1)
        expectHeld(callsOf(prompt)[0])
      },
      LONG_MS,
    )

    test.concurrent(
      'are any object where the format is json_object',
      async () => {
        const prompt = newPrompt({ any: { thing: [1] } })
        const answer = await openai().chat.completions.create({
          model,
          messages: user(`${prompt} In JSON.`),
          response_format: { type: 'json_object' },
        })
        expect(JSON.parse(answer.choices[0]?.message.content ?? '')).toEqual({ any: { thing: [1] } })
        expect(callsOf(prompt)).toHaveLength(1)
      },
      LONG_MS,
    )

    test.concurrent(
      'are repaired, and only what fits is passed on, with all that it took',
      async () => {
        const prompt = newPrompt(WRONG, ROME)
        const answer = await openai().chat.completions.create({
          model,
          messages: user(prompt),
          response_format: jsonSchema,
        })
        expect(JSON.parse(answer.choices[0]?.message.content ?? '')).toEqual(ROME)
        expect(answer.usage).toMatchObject({ completion_tokens: 2 * USAGE.output })
        expect(callsOf(prompt)).toHaveLength(2)
        expect(JSON.stringify(callsOf(prompt)[1]?.body)).toMatch(/people[^.]*integer/)
      },
      LONG_MS,
    )

    test.concurrent(
      'stream in one piece, when they are known to fit',
      async () => {
        const prompt = newPrompt(WRONG, ROME)
        const stream = openai().chat.completions.stream({
          model,
          messages: user(prompt),
          response_format: jsonSchema,
        })
        const pieces: string[] = []
        for await (const chunk of stream) {
          const { content } = chunk.choices[0]?.delta ?? {}
          if (content) pieces.push(content)
        }
        expect(pieces.map((piece) => JSON.parse(piece))).toEqual([ROME])
        expect(callsOf(prompt)).toHaveLength(2)
      },
      LONG_MS,
    )

    test.concurrent(
      'that never fit are an error of the server, and not asked for again',
      async () => {
        const prompt = newPrompt(WRONG)
        const request = { model, messages: user(prompt), response_format: jsonSchema }
        const failure = await openai()
          .chat.completions.create(request)
          .catch((error) => error)
        expect(failure).toBeInstanceOf(OpenAI.InternalServerError)
        expect(failure.status).toBe(502)
        expect(failure.code).toBe('answer_invalid')
        expect(failure.message).toContain('/people must be integer')
        expect(JSON.stringify(failure.error)).not.toMatch(/Wrongtown|StructuredOutput/)
        expect(callsOf(prompt)).toHaveLength(2)
      },
      LONG_MS,
    )

    test.concurrent(
      'that never fit are an error in streams, too',
      async () => {
        const [prompt, other] = [newPrompt(WRONG), newPrompt(WRONG)]
        const request = { model, messages: user(prompt), response_format: jsonSchema, stream: true } as const
        // A slow answer has begun as a stream when it fails, a quick one has not.
        const failure = await (async () => {
          for await (const chunk of await openai().chat.completions.create(request))
            expect(chunk.choices[0]?.delta.content ?? '').toBe('')
        })().catch((error) => error)
        expect(failure).toBeInstanceOf(OpenAI.APIError)
        expect(callsOf(prompt)).toHaveLength(2)

        const messages = anthropic().messages.stream({
          model,
          max_tokens: 1000,
          messages: user(other),
          output_config: { format: { type: 'json_schema', schema: SCHEMA } },
        })
        const texts: string[] = []
        messages.on('text', (text) => texts.push(text))
        expect(await messages.finalMessage().catch((error) => error)).toBeInstanceOf(Anthropic.APIError)
        expect(texts).toEqual([])
        expect(callsOf(other)).toHaveLength(2)
      },
      LONG_MS,
    )

    test.concurrent.each([
      ['plain', JSON.stringify(ROME)],
      ['in a fence', `\`\`\`json\n${JSON.stringify(ROME)}\n\`\`\``],
    ])(
      'may be text, %s, whatever the agent has for them',
      async (_, text) => {
        const prompt = newTalk(() => ({ text }))
        const answer = await openai().chat.completions.create({
          model,
          messages: user(prompt),
          response_format: jsonSchema,
        })
        expect(JSON.parse(answer.choices[0]?.message.content ?? '')).toEqual(ROME)
        // Claude Code 2.1.330 asks for a call of its tool all the same, once.
        expect(callsOf(prompt)).toHaveLength(model === 'claude' ? 2 : 1)
      },
      LONG_MS,
    )

    test.concurrent(
      'are not there yet where the model calls a tool, and what it says before is no answer to parse',
      async () => {
        const prompt = newTalk((request) => ({
          text: 'Let me look.',
          toolCalls: [{ name: offeredName(request, 'look_up'), input: { a: 1 } }],
        }))
        const common = { model, max_tokens: 1000, messages: user(prompt) }
        const answer = await openai().chat.completions.parse({
          ...common,
          response_format: zodResponseFormat(Place, 'place'),
          tools: [
            {
              type: 'function',
              function: {
                name: 'look_up',
                strict: true,
                parameters: {
                  type: 'object',
                  properties: { a: { type: 'integer' } },
                  required: ['a'],
                  additionalProperties: false,
                },
              },
            },
          ],
        })
        const [choice] = answer.choices
        expect(choice?.finish_reason).toBe('tool_calls')
        expect(choice?.message).toMatchObject({
          content: null,
          reasoning_content: 'Let me look.',
          tool_calls: [{ function: { name: 'look_up', arguments: '{"a":1}' } }],
        })

        const message = await anthropic().messages.parse({
          ...common,
          tools: [{ name: 'look_up', input_schema: { type: 'object' } }],
          output_config: { format: zodOutputFormat(Place) },
        })
        expect(message.content).toMatchObject([{ type: 'tool_use', name: 'look_up' }])
      },
      LONG_MS,
    )

    // Gemini CLI does not tell that its model refused (0.61.0), Codex not with what words (0.169.0).
    const refusal = { claude: 'I will not.', codex: '', gemini: undefined }[model]
    test.concurrent(
      `are ${refusal === undefined ? 'an error' : 'not asked for again'} where the model refuses`,
      async () => {
        const prompt = newTalk(() => ({ text: 'I will not.', stopReason: 'refusal' }))
        const asking = openai().chat.completions.create({
          model,
          messages: user(prompt),
          response_format: jsonSchema,
        })
        if (refusal === undefined) {
          await expect((async () => await asking)()).rejects.toMatchObject({
            status: 502,
            code: 'answer_invalid',
          })
          return expect(callsOf(prompt)).toHaveLength(2)
        }
        const answer = await asking
        expect(answer.choices[0]).toMatchObject({
          finish_reason: 'content_filter',
          message: { content: refusal },
        })
        expect(callsOf(prompt)).toHaveLength(1)
      },
      LONG_MS,
    )

    // Gemini CLI does not tell that a limit cut an answer.
    test.concurrent(
      `are ${model === 'gemini' ? 'an error' : 'told as far as they came'} where a limit cut them`,
      async () => {
        const prompt = newTalk(() => ({ text: '{"city": "Ro', stopReason: 'max_tokens' }))
        const asking = openai().chat.completions.create({
          model,
          stream: true,
          messages: user(prompt),
          response_format: jsonSchema,
          ...(model === 'claude' ? { max_tokens: 20 } : {}),
        })
        if (model === 'gemini') {
          await expect((async () => await asking)()).rejects.toMatchObject({
            status: 502,
            code: 'answer_invalid',
          })
          return expect(callsOf(prompt)).toHaveLength(2)
        }
        const stream = await asking
        let content = ''
        let end: string | null | undefined
        for await (const chunk of stream) {
          content += chunk.choices[0]?.delta.content ?? ''
          end = chunk.choices[0]?.finish_reason ?? end
        }
        expect([content, end]).toEqual(['{"city": "Ro', 'length'])
        // Claude Code goes on by itself up to three times, and may have asked again before it is ended; on a busy machine
        // twice.
        expect(callsOf(prompt).length).toBeLessThanOrEqual(model === 'claude' ? 3 : 1)
      },
      LONG_MS,
    )

    test.concurrent.each([{ type: 'object', additionalProperties: { type: 'string' } }, {}])(
      'may be of any valid schema: %j',
      async (schema) => {
        const prompt = newPrompt({ a: 'b' })
        const value =
          Object.keys(schema).length === 0 && model === 'claude' ? { value: { a: 'b' } } : { a: 'b' }
        scripts.set(prompt, [value])
        const answer = await openai().chat.completions.create({
          model,
          messages: user(prompt),
          response_format: { type: 'json_schema', json_schema: { name: 'any', schema, strict: true } },
        })
        expect(JSON.parse(answer.choices[0]?.message.content ?? '')).toEqual({ a: 'b' })
        expect(callsOf(prompt)).toHaveLength(1)
      },
      LONG_MS,
    )

    test.concurrent(
      'of a schema that is not valid are refused, with the place',
      async () => {
        const prompt = newPrompt(ROME)
        const schema = { type: 'object', properties: { city: { type: 'town' } } }
        const failure = await openai()
          .chat.completions.create({
            model,
            messages: user(prompt),
            response_format: { type: 'json_schema', json_schema: { name: 'place', schema } },
          })
          .catch((error) => error)
        expect(failure).toBeInstanceOf(OpenAI.BadRequestError)
        expect(failure.message).toContain('/properties/city/type')
        const other = await anthropic()
          .messages.create({
            model,
            max_tokens: 1000,
            messages: user(prompt),
            output_config: { format: { type: 'json_schema', schema } },
          })
          .catch((error) => error)
        expect(other).toBeInstanceOf(Anthropic.BadRequestError)
        expect(other.message).toContain('/properties/city/type')
        expect(callsOf(prompt)).toEqual([])
      },
      LONG_MS,
    )

    const apiKey = 'not-needed'
    const providers: Record<string, () => LanguageModel> = {
      'openai, by responses': () => createOpenAI({ baseURL: `${stage.url}/openai/v1`, apiKey })(model),
      'openai, by chat': () => createOpenAI({ baseURL: `${stage.url}/openai/v1`, apiKey }).chat(model),
      'openai-compatible': () =>
        createOpenAICompatible({
          name: 'clinvk',
          baseURL: `${stage.url}/openai/v1`,
          apiKey,
          supportsStructuredOutputs: true,
        })(model),
      anthropic: () => createAnthropic({ baseURL: `${stage.url}/anthropic/v1`, apiKey })(model),
    }

    test.concurrent.each(Object.entries(providers))(
      'are objects for the Vercel AI SDK (%s)',
      async (_, connect) => {
        const [one, two] = [newPrompt(ROME), newPrompt(ROME)]
        const common = {
          model: connect(),
          maxOutputTokens: 1000,
          // Of models that it does not know it asks for a call of a tool instead, and not every agent can be made to.
          providerOptions: { anthropic: { structuredOutputMode: 'outputFormat' } },
        }
        const output = Output.object({ schema: Place })
        const stream = streamText({ ...common, prompt: two, output })
        const [whole, streamed] = await Promise.all([
          generateText({ ...common, prompt: one, output }),
          stream.output,
        ])
        expect(whole.output).toEqual(ROME)
        expect(streamed).toEqual(ROME)
        for (const prompt of [one, two]) expect(callsOf(prompt)).toHaveLength(1)
      },
      LONG_MS,
    )

    test.concurrent(
      'are objects for generateObject of the Vercel AI SDK',
      async () => {
        const prompt = newPrompt(ROME)
        const connect = createOpenAI({ baseURL: `${stage.url}/openai/v1`, apiKey }).chat
        expect((await generateObject({ model: connect(model), prompt, schema: Place })).object).toEqual(ROME)
        expect(callsOf(prompt)).toHaveLength(1)
      },
      LONG_MS,
    )
  })
})

/** The model is held to the schema by what its provider has for that, else by instruction. */
function expectHeld(request: RecordedRequest | undefined): void {
  if (!request) throw new Error('The provider was not called.')
  const { body, dialect, system } = request
  if (dialect === 'gemini') {
    expect(JSON.stringify(body)).toContain('It has to fit this JSON Schema:')
    return
  }
  const schema =
    dialect === 'openai'
      ? asObject(asObject(body['text'])['format'])['schema']
      : offeredIn(request).find(({ name }) => name === ANSWER_TOOL)?.schema
  expect(schema).toMatchObject({
    type: 'object',
    properties: { city: { type: 'string' } },
    required: SCHEMA.required,
  })
  expect(system).not.toContain('JSON Schema')
}
