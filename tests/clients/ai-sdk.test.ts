import { describe, expect, test } from 'bun:test'
import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { generateText, type LanguageModel, streamText } from 'ai'
import { describeChat, expectHistory, WORDS } from './suite.ts'

describeChat('the Vercel AI SDK', (stage) => {
  const apiKey = 'not-needed'
  const openai = () => createOpenAI({ baseURL: `${stage.url}/openai/v1`, apiKey })
  const providers: Record<string, (model: string) => LanguageModel> = {
    'openai, by responses': (model) => openai()(model),
    'openai, by chat': (model) => openai().chat(model),
    'openai-compatible': (model) =>
      createOpenAICompatible({ name: 'clinvk', baseURL: `${stage.url}/openai/v1`, apiKey })(model),
    anthropic: (model) => createAnthropic({ baseURL: `${stage.url}/anthropic/v1`, apiKey })(model),
  }

  describe.each(Object.entries(providers))('%s', (_, connect) => {
    test.each(['claude', 'codex', 'gemini'] as const)('generates and streams with %s', async (name) => {
      stage.model.play({ text: 'Hello there.', usage: { input: 30, output: 6 } })
      const whole = await generateText({ model: connect(name), prompt: 'hi', maxRetries: 0 })
      expect(whole.text).toBe('Hello there.')
      expect(whole.finishReason).toBe('stop')
      expect(whole.usage.outputTokens).toBe(6)

      stage.model.play({ text: ['One ', 'two.'], delayMs: 20 })
      const stream = streamText({ model: connect(name), prompt: 'count', maxRetries: 0 })
      const deltas: string[] = []
      for await (const delta of stream.textStream) deltas.push(delta)
      expect(deltas.join('')).toBe('One two.')
      expect(deltas.length).toBeGreaterThan(1)
    })

    test('sends its history, everything once', async () => {
      stage.model.play({ text: 'Blue.' })
      await generateText({
        model: connect('claude'),
        instructions: WORDS.system,
        messages: [
          { role: 'user', content: WORDS.first },
          { role: 'assistant', content: WORDS.answer },
          { role: 'user', content: WORDS.second },
        ],
      })
      const call = stage.model.calls.at(-1)
      if (!call) throw new Error('The provider was not called.')
      expectHistory('claude', call)
    })

    test('asks again by itself, and the agent runs once', async () => {
      stage.model.play({ status: 429, message: 'Refused by the test.', retryAfter: 0.01 })
      const before = stage.model.calls.length
      const failure = await generateText({
        model: connect('codex'),
        prompt: `fail ${_}`,
        maxRetries: 0,
      }).catch((error) => error)
      expect(failure.message).toContain('429')
      const asked = stage.model.calls.length
      expect(asked).toBeGreaterThan(before)
      await generateText({ model: connect('codex'), prompt: `fail ${_}`, maxRetries: 1 }).catch(() => {})
      expect(stage.model.calls.length).toBe(asked)
    }, 60_000)
  })
})
