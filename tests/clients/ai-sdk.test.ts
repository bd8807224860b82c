import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { APICallError, generateText, type LanguageModel, type ModelMessage, RetryError, streamText } from 'ai'
import { type Ask, type ChatClient, describeClients, type Said } from './matrix.ts'
import { describeChat } from './suite.ts'

describeChat('the Vercel AI SDK', (stage) => {
  const apiKey = 'not-needed'
  const openai = () => createOpenAI({ baseURL: `${stage.url}/openai/v1`, apiKey })
  describeClients(stage, {
    'openai, by responses': toClient((model) => openai()(model)),
    'openai, by chat': toClient((model) => openai().chat(model)),
    'openai-compatible': toClient((model) =>
      createOpenAICompatible({ name: 'clinvk', baseURL: `${stage.url}/openai/v1`, apiKey })(model),
    ),
    anthropic: toClient((model) => createAnthropic({ baseURL: `${stage.url}/anthropic/v1`, apiKey })(model)),
  })
})

function toClient(connect: (model: string) => LanguageModel): ChatClient {
  return {
    async ask(ask) {
      return (await generateText(toCall(ask))).text
    },
    async *stream(ask) {
      const failures: unknown[] = []
      yield* streamText({ ...toCall(ask), onError: ({ error }) => void failures.push(error) }).textStream
      if (failures.length > 0) throw failures[0]
    },
    statusOf(error) {
      const last = RetryError.isInstance(error) ? error.lastError : error
      return APICallError.isInstance(last) ? last.statusCode : undefined
    },
  }

  function toCall({ model, messages, signal }: Ask) {
    const system = messages.filter(({ role }) => role === 'system').map(({ text }) => text)
    return {
      model: connect(model),
      messages: messages.filter(({ role }) => role !== 'system').map(toMessage),
      ...(system.length === 0 ? {} : { instructions: system.join('\n') }),
      ...(signal === undefined ? {} : { abortSignal: signal }),
    }
  }
}

function toMessage({ role, text, image }: Said): ModelMessage {
  if (role === 'assistant') return { role, content: text }
  const file = { type: 'file' as const, data: image ?? '', mediaType: 'image/png' }
  return { role: 'user', content: [...(image === undefined ? [] : [file]), { type: 'text', text }] }
}
