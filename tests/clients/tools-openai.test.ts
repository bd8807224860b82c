import OpenAI from 'openai'
import type { ResponseInput } from 'openai/resources/responses/responses'
import { describeChat } from './suite.ts'
import { type Given, QUICK, type Task, testTasks, type Way } from './tool-suite.ts'

describeChat('tools with the OpenAI SDK', (stage) => {
  const connect = () => new OpenAI({ baseURL: `${stage.url}/openai/v1`, apiKey: 'not-needed' })
  const runnable = ({ tools, run }: Task) =>
    tools.map(({ name, description, schema }) => ({
      type: 'function' as const,
      function: {
        name,
        description,
        parameters: { ...schema },
        parse: JSON.parse,
        function: (input: object) => toText(run(name, input)),
      },
    }))

  const ways: Way[] = [
    {
      name: 'runTools',
      images: false,
      throws: false,
      async play(model, task) {
        const runner = connect().chat.completions.runTools({
          model,
          messages: [{ role: 'user', content: task.prompt }],
          tools: runnable(task),
        })
        const text = (await runner.finalContent()) ?? ''
        return { text, outputTokens: (await runner.totalUsage()).completion_tokens }
      },
    },
    {
      name: 'runTools as a stream',
      backends: QUICK,
      images: false,
      throws: false,
      async play(model, task) {
        const runner = connect().chat.completions.runTools({
          model,
          messages: [{ role: 'user', content: task.prompt }],
          tools: runnable(task),
          stream: true,
          stream_options: { include_usage: true },
        })
        const text = (await runner.finalContent()) ?? ''
        return { text, outputTokens: (await runner.totalUsage()).completion_tokens }
      },
    },
    {
      name: 'a loop over responses that go on from each other',
      images: true,
      throws: true,
      play: (model, task) => loop(connect(), model, task, true),
    },
    {
      name: 'a loop over responses with the whole input',
      backends: QUICK,
      images: true,
      throws: true,
      play: (model, task) => loop(connect(), model, task, false),
    },
  ]
  testTasks(stage, ways)
})

/** How many answers a loop takes at most. */
const MOST = 12

async function loop(client: OpenAI, model: string, task: Task, goesOn: boolean) {
  const tools = task.tools.map(({ name, description, schema }) => ({
    type: 'function' as const,
    name,
    description,
    parameters: { ...schema },
    strict: true,
  }))
  let input: ResponseInput = [{ role: 'user', content: task.prompt }]
  let previous: string | undefined
  let outputTokens = 0
  for (let answers = 0; answers < MOST; answers += 1) {
    const response = await client.responses.create({
      model,
      input,
      tools,
      ...(previous === undefined ? {} : { previous_response_id: previous }),
    })
    outputTokens += response.usage?.output_tokens ?? 0
    const results = response.output.flatMap((item) => {
      if (item.type !== 'function_call') return []
      const output = toOutput(() => task.run(item.name, JSON.parse(item.arguments)))
      return { type: 'function_call_output' as const, call_id: item.call_id, output }
    })
    if (results.length === 0) return { text: response.output_text, outputTokens }
    if (goesOn) previous = response.id
    input = goesOn ? results : [...input, ...(response.output as ResponseInput), ...results]
  }
  throw new Error(`There was no end after ${MOST} answers.`)
}

function toOutput(run: () => Given) {
  try {
    const given = run()
    if ('text' in given) return given.text
    const image_url = `data:image/png;base64,${given.png}`
    return [{ type: 'input_image' as const, image_url, detail: 'auto' as const }]
  } catch (error) {
    return `It failed: ${error instanceof Error ? error.message : 'who knows why'}`
  }
}

function toText(given: Given): string {
  if ('text' in given) return given.text
  throw new Error('This client takes no images.')
}
