import { describe, expect, test } from 'bun:test'
import { ChatAnthropic } from '@langchain/anthropic'
import { AIMessage, type BaseMessage, HumanMessage, SystemMessage } from '@langchain/core/messages'
import { ChatOpenAI } from '@langchain/openai'
import { describeChat, expectHistory, WORDS } from './suite.ts'

describeChat('LangChain', (stage) => {
  const apiKey = 'not-needed'
  const models = {
    ChatOpenAI: (model: string) =>
      new ChatOpenAI({ model, apiKey, maxRetries: 0, configuration: { baseURL: `${stage.url}/openai/v1` } }),
    ChatAnthropic: (model: string) =>
      new ChatAnthropic({ model, apiKey, maxRetries: 0, anthropicApiUrl: `${stage.url}/anthropic` }),
  }

  describe.each(Object.entries(models))('%s', (_, connect) => {
    // A model whose name holds "codex" goes through /responses.
    test.each(['claude', 'codex', 'gemini'] as const)('invokes and streams %s', async (name) => {
      stage.model.play({ text: 'Hello there.' })
      expect((await connect(name).invoke('hi')).text).toBe('Hello there.')
      stage.model.play({ text: ['One ', 'two.'], delayMs: 20 })
      const pieces: string[] = []
      for await (const chunk of await connect(name).stream('count')) pieces.push(chunk.text)
      expect(pieces.join('')).toBe('One two.')
    })

    test('sends its history, everything once', async () => {
      stage.model.play({ text: 'Blue.' })
      const messages: BaseMessage[] = [
        new SystemMessage(WORDS.system),
        new HumanMessage(WORDS.first),
        new AIMessage(WORDS.answer),
        new HumanMessage(WORDS.second),
      ]
      await connect('claude').invoke(messages)
      const call = stage.model.calls.at(-1)
      if (!call) throw new Error('The provider was not called.')
      expectHistory('claude', call)
    })
  })
})
