import Anthropic from '@anthropic-ai/sdk'
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema'
import type { BetaToolResultContentBlockParam } from '@anthropic-ai/sdk/resources/beta'
import { describeChat } from './suite.ts'
import { type Given, QUICK, type Task, testTasks } from './tool-suite.ts'

describeChat('tools with the Anthropic SDK', (stage) => {
  const connect = () => new Anthropic({ baseURL: `${stage.url}/anthropic`, apiKey: 'not-needed' })
  const request = (model: string, task: Task) => ({
    model,
    max_tokens: 1024,
    messages: [{ role: 'user' as const, content: task.prompt }],
    tools: task.tools.map(({ name, description, schema }) =>
      betaTool({ name, description, inputSchema: schema, run: (input) => toContent(task.run(name, input)) }),
    ),
  })

  testTasks(stage, [
    {
      name: 'toolRunner',
      images: true,
      throws: true,
      async play(model, task) {
        let outputTokens = 0
        let text = ''
        for await (const message of connect().beta.messages.toolRunner(request(model, task))) {
          outputTokens += message.usage.output_tokens
          text = textOf(message)
        }
        return { text, outputTokens }
      },
    },
    {
      name: 'toolRunner as a stream',
      backends: QUICK,
      images: true,
      throws: true,
      async play(model, task) {
        let outputTokens = 0
        let text = ''
        const runner = connect().beta.messages.toolRunner({ ...request(model, task), stream: true })
        for await (const stream of runner) {
          const message = await stream.finalMessage()
          outputTokens += message.usage.output_tokens
          text = textOf(message)
        }
        return { text, outputTokens }
      },
    },
  ])
})

function textOf({ content }: Anthropic.Beta.BetaMessage): string {
  return content.flatMap((block) => (block.type === 'text' ? block.text : [])).join('')
}

function toContent(given: Given): string | BetaToolResultContentBlockParam[] {
  if ('text' in given) return given.text
  return [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: given.png } }]
}
