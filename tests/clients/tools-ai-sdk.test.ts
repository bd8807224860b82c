import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { generateText, isStepCount, jsonSchema, type LanguageModel, streamText, type ToolSet, tool } from 'ai'
import { describeChat } from './suite.ts'
import { type Given, QUICK, type Task, testTasks, type Way } from './tool-suite.ts'

describeChat('tools with the Vercel AI SDK', (stage) => {
  const apiKey = 'not-needed'
  const openai = () => createOpenAI({ baseURL: `${stage.url}/openai/v1`, apiKey })
  const providers: readonly (readonly [string, boolean, (model: string) => LanguageModel])[] = [
    ['openai, by responses', true, (model) => openai()(model)],
    ['openai, by chat', false, (model) => openai().chat(model)],
    [
      'openai-compatible',
      false,
      (model) =>
        createOpenAICompatible({
          name: 'clinvk',
          baseURL: `${stage.url}/openai/v1`,
          apiKey,
          includeUsage: true,
        })(model),
    ],
    ['anthropic', true, (model) => createAnthropic({ baseURL: `${stage.url}/anthropic/v1`, apiKey })(model)],
  ]

  testTasks(
    stage,
    providers.flatMap(([name, images, connect]): Way[] => {
      const options = (model: string, task: Task) => ({
        model: connect(model),
        prompt: task.prompt,
        tools: toolsOf(task),
        stopWhen: isStepCount(12),
        maxOutputTokens: 1000,
        maxRetries: 0,
      })
      return [
        {
          name: `generateText (${name})`,
          images,
          throws: true,
          async play(model, task) {
            const { text, usage } = await generateText(options(model, task))
            return { text, outputTokens: usage.outputTokens }
          },
        },
        {
          name: `streamText (${name})`,
          backends: QUICK,
          images,
          throws: true,
          async play(model, task) {
            const stream = streamText(options(model, task))
            await stream.consumeStream()
            return { text: await stream.text, outputTokens: (await stream.usage).outputTokens }
          },
        },
      ]
    }),
  )
})

function toolsOf(task: Task): ToolSet {
  return Object.fromEntries(
    task.tools.map(({ name, description, schema }) => [
      name,
      tool({
        description,
        inputSchema: jsonSchema<object>({ ...schema }),
        execute: (input) => task.run(name, input),
        toModelOutput: ({ output }: { output: Given }) =>
          'text' in output
            ? { type: 'text', value: output.text }
            : {
                type: 'content',
                value: [{ type: 'file', mediaType: 'image/png', data: { type: 'data', data: output.png } }],
              },
      }),
    ]),
  )
}
