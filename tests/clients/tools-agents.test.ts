import { Agent, OpenAIProvider, Runner, tool } from '@openai/agents'
import { describeChat } from './suite.ts'
import { type Given, type Task, testTasks, type Way } from './tool-suite.ts'

describeChat('tools with the OpenAI Agents SDK', (stage) => {
  const runner = (useResponses: boolean) =>
    new Runner({
      modelProvider: new OpenAIProvider({
        baseURL: `${stage.url}/openai/v1`,
        apiKey: 'not-needed',
        useResponses,
      }),
      tracingDisabled: true,
    })
  const agent = (model: string, task: Task) =>
    new Agent({ name: 'planner', instructions: 'Use the tools.', model, tools: toolsOf(task) })

  testTasks(
    stage,
    [true, false].flatMap((useResponses): Way[] => {
      const kind = { images: useResponses, throws: true }
      const dialect = useResponses ? 'responses' : 'chat'
      return [
        {
          ...kind,
          name: `an agent (${dialect})`,
          async play(model, task) {
            const result = await runner(useResponses).run(agent(model, task), task.prompt, { maxTurns: 12 })
            return { text: String(result.finalOutput), outputTokens: result.state.usage.outputTokens }
          },
        },
        {
          ...kind,
          name: `an agent as a stream (${dialect})`,
          backends: ['codex'],
          async play(model, task) {
            const options = { maxTurns: 12, stream: true } as const
            const result = await runner(useResponses).run(agent(model, task), task.prompt, options)
            await result.completed
            return { text: String(result.finalOutput), outputTokens: result.state.usage.outputTokens }
          },
        },
      ]
    }),
  )
})

function toolsOf(task: Task) {
  return task.tools.map(({ name, description, schema }) =>
    tool({
      name,
      description,
      parameters: { ...schema, properties: { ...schema.properties } },
      execute: async (input) => toOutput(task.run(name, input)),
      // Its own words keep from the model what went wrong.
      errorFunction: (_, error) => String(error),
    }),
  )
}

function toOutput(given: Given) {
  if ('text' in given) return given.text
  return { type: 'image' as const, image: { data: given.png, mediaType: 'image/png' } }
}
