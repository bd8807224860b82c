import { ChatAnthropic } from '@langchain/anthropic'
import {
  type AIMessage,
  type AIMessageChunk,
  type BaseMessage,
  HumanMessage,
  ToolMessage,
  type UsageMetadata,
} from '@langchain/core/messages'
import { ChatOpenAI } from '@langchain/openai'
import { describeChat } from './suite.ts'
import { type Given, type Task, testTasks, type Way } from './tool-suite.ts'

/** How many answers a loop takes at most. */
const MOST = 12

describeChat('tools with LangChain', (stage) => {
  const apiKey = 'not-needed'
  const openai = (model: string, useResponsesApi: boolean) =>
    new ChatOpenAI({
      model,
      apiKey,
      maxRetries: 0,
      useResponsesApi,
      configuration: { baseURL: `${stage.url}/openai/v1` },
    })
  const anthropic = (model: string) =>
    new ChatAnthropic({ model, apiKey, maxRetries: 0, anthropicApiUrl: `${stage.url}/anthropic` })
  const bound = {
    ChatOpenAI: (model: string, task: Task) => openai(model, false).bindTools(functionsOf(task)),
    'ChatOpenAI, by responses': (model: string, task: Task) =>
      openai(model, true).bindTools(functionsOf(task)),
    ChatAnthropic: (model: string, task: Task) =>
      anthropic(model).bindTools(
        task.tools.map(({ name, description, schema }) => ({
          name,
          description,
          input_schema: { ...schema },
        })),
      ),
  }

  testTasks(
    stage,
    Object.entries(bound).flatMap(([name, bind]): Way[] => {
      const images = name === 'ChatAnthropic'
      const kind = { images, throws: true }
      return [
        {
          ...kind,
          name: `a loop of invoke (${name})`,
          ...(name === 'ChatOpenAI, by responses' ? { backends: ['codex'] } : {}),
          play: (model, task) => {
            const runnable = bind(model, task)
            return loop(task, (messages) => runnable.invoke(messages))
          },
        },
        {
          ...kind,
          name: `a loop of stream (${name})`,
          backends: ['codex'],
          play: (model, task) => {
            const runnable = bind(model, task)
            return loop(task, async (messages) => {
              let whole: AIMessageChunk | undefined
              for await (const chunk of await runnable.stream(messages)) whole = whole?.concat(chunk) ?? chunk
              if (!whole) throw new Error('The stream was empty.')
              return whole
            })
          },
        },
      ]
    }),
  )
})

function functionsOf(task: Task) {
  return task.tools.map(({ name, description, schema }) => ({
    type: 'function' as const,
    function: { name, description, parameters: { ...schema } },
  }))
}

async function loop(task: Task, ask: (messages: BaseMessage[]) => Promise<AIMessage>) {
  const messages: BaseMessage[] = [new HumanMessage(task.prompt)]
  let outputTokens = 0
  for (let answers = 0; answers < MOST; answers += 1) {
    const answer = await ask(messages)
    const { tool_calls: calls = [] } = answer
    // Its type is lost among LangChain's generics.
    outputTokens += (answer.usage_metadata as UsageMetadata | undefined)?.output_tokens ?? 0
    if (calls.length === 0) return { text: answer.text, outputTokens }
    messages.push(answer)
    for (const { id = '', name, args } of calls) messages.push(carryOut(id, () => task.run(name, args)))
  }
  throw new Error(`There was no end after ${MOST} answers.`)
}

function carryOut(id: string, run: () => Given): ToolMessage {
  try {
    const given = run()
    const image = 'png' in given && [
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: given.png } },
    ]
    return new ToolMessage({ tool_call_id: id, content: image || ('text' in given ? given.text : '') })
  } catch (error) {
    return new ToolMessage({ tool_call_id: id, status: 'error', content: String(error) })
  }
}
