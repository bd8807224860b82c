import { ChatAnthropic } from '@langchain/anthropic'
import type { BaseChatModel } from '@langchain/core/language_models/chat_models'
import { AIMessage, type BaseMessage, HumanMessage, SystemMessage } from '@langchain/core/messages'
import { ChatOpenAI } from '@langchain/openai'
import { type Ask, type ChatClient, describeClients, type Said } from './matrix.ts'
import { describeChat } from './suite.ts'

describeChat('LangChain', (stage) => {
  const apiKey = 'not-needed'
  describeClients(stage, {
    // A model whose name holds "codex" goes through /responses.
    ChatOpenAI: toClient(
      (model) => new ChatOpenAI({ model, apiKey, configuration: { baseURL: `${stage.url}/openai/v1` } }),
    ),
    ChatAnthropic: toClient(
      (model) => new ChatAnthropic({ model, apiKey, anthropicApiUrl: `${stage.url}/anthropic` }),
    ),
  })
})

function toClient(connect: (model: string) => BaseChatModel): ChatClient {
  return {
    async ask(ask) {
      return (await connect(ask.model).invoke(ask.messages.map(toMessage), toOptions(ask))).text
    },
    async *stream(ask) {
      const chunks = await connect(ask.model).stream(ask.messages.map(toMessage), toOptions(ask))
      for await (const { text } of chunks) yield text
    },
    statusOf: (error) => (error instanceof Error && 'status' in error ? Number(error.status) : undefined),
  }
}

function toOptions({ signal }: Ask) {
  return signal === undefined ? {} : { signal }
}

function toMessage({ role, text, image }: Said): BaseMessage {
  if (role === 'system') return new SystemMessage(text)
  if (role === 'assistant') return new AIMessage(text)
  if (image === undefined) return new HumanMessage(text)
  const picture = { type: 'image_url' as const, image_url: { url: `data:image/png;base64,${image}` } }
  return new HumanMessage({ content: [picture, { type: 'text', text }] })
}
