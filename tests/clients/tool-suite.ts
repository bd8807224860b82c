import { beforeAll, expect, test } from 'bun:test'
import type { RecordedRequest, Reply } from '../support/mock-provider/index.ts'
import { asObject, asObjects, asString } from '../support/mock-provider/json.ts'
import type { JsonObject } from '../support/mock-provider/types.ts'
import { CHAT_BACKENDS, type ChatBackend, type ChatStage, PNG } from './suite.ts'

/** A tool that a client offers, in no client's form. */
interface TaskTool {
  readonly name: string
  readonly description: string
  readonly schema: {
    readonly type: 'object'
    readonly properties: Readonly<Record<string, { readonly type: 'string' | 'number' }>>
    readonly required: string[]
    readonly additionalProperties: false
  }
}

/** What a tool of a task gives back. */
export type Given = { readonly text: string } | { readonly png: string }

/** A task that a client has an agent do with its tools. */
export interface Task {
  readonly prompt: string
  readonly tools: readonly TaskTool[]
  /** Carries a call out. @throws where the tool fails, but for a client that cannot bear it: see {@link Way.throws}. */
  run(name: string, input: unknown): Given
}

/** What a client made of a task: its last text, and the output tokens of all answers. */
interface Outcome {
  readonly text: string
  readonly outputTokens: number | undefined
}

/** How a client does a task. */
export interface Way {
  readonly name: string
  /** Whether its dialect takes an image as a tool's result. */
  readonly images: boolean
  /** Whether it tells the model of a tool that throws, instead of giving up. */
  readonly throws: boolean
  /** The agents that it is tried with, where it is not all of them. */
  readonly backends?: readonly ChatBackend[]
  play(model: ChatBackend, task: Task): Promise<Outcome>
}

/** The agents without OpenCode, which is slow to start, for ways that differ from others in little. */
export const QUICK = ['claude', 'codex', 'gemini'] as const

const number = { type: 'number' } as const
const string = { type: 'string' } as const

function tool(name: string, description: string, properties: TaskTool['schema']['properties']): TaskTool {
  const required = Object.keys(properties)
  return { name, description, schema: { type: 'object', properties, required, additionalProperties: false } }
}

const TOOLS: readonly TaskTool[] = [
  tool('weather', 'Tells the weather of a city.', { city: string }),
  tool('add', 'Adds two numbers.', { a: number, b: number }),
  tool('remove_file', 'Removes a file.', { path: string }),
  tool('draw_map', 'Draws a map of a place.', { place: string, zoom: number }),
]

/** Calls by rounds, five of them, two at once. */
const ROUNDS = [
  [
    { name: 'weather', input: { city: 'Rome' } },
    { name: 'weather', input: { city: 'Tromsø "north"\n' } },
  ],
  [{ name: 'add', input: { a: 21, b: -4.5 } }],
  [{ name: 'remove_file', input: { path: '/notes.txt' } }],
  [{ name: 'draw_map', input: { place: 'Rome', zoom: 3 } }],
] as const

const USAGE = { input: 30, output: 6 } as const

interface RunningTask extends Task {
  readonly ran: { readonly name: string; readonly input: unknown }[]
  /** Words of the results, by rounds, as they have to reach the model. */
  readonly results: readonly (readonly string[])[]
  readonly answer: string
  /** How often the model was asked. */
  asked: number
}

/** An agent whose model calls what is not there would ask it for ever. */
const MOST_ASKED = 10

function createTask(tag: string, { images, throws }: Pick<Way, 'images' | 'throws'>): RunningTask {
  const ran: RunningTask['ran'] = []
  const results = [
    [`21 degrees in ${tag}`, `minus 4 degrees in ${tag}`],
    [`16.5 for ${tag}`],
    [`${tag} has no notes`],
    [images ? PNG : `a map for ${tag}`],
  ] as const
  return {
    prompt: `Plan the journey of ${tag}.`,
    tools: TOOLS,
    ran,
    results,
    answer: `All done, ${tag}.`,
    asked: 0,
    run(name, input) {
      ran.push({ name, input })
      switch (name) {
        case 'weather':
          return { text: results[0][asString(asObject(input)['city']) === 'Rome' ? 0 : 1] }
        case 'add':
          return { text: results[1][0] }
        case 'remove_file':
          if (throws) throw new Error(results[2][0])
          return { text: `Error: ${results[2][0]}` }
        default:
          return images ? { png: PNG } : { text: results[3][0] }
      }
    },
  }
}

/** What the model says in a task: it goes by what the request holds, so that any number of tasks run at once. */
function replyTo(tasks: ReadonlyMap<string, RunningTask>, request: RecordedRequest): Reply {
  const sent = JSON.stringify(request.body)
  const task = tasks.get(/the journey of (task-\d+)\./.exec(sent)?.[1] ?? '')
  if (!task) return { text: 'The test has no such task.' }
  task.asked += 1
  if (task.asked > MOST_ASKED) return { text: 'The model was asked too often.' }
  const round = task.results.findIndex((words) => !words.every((word) => sent.includes(word)))
  const calls = ROUNDS[round]
  if (!calls) return { text: task.answer, usage: USAGE }
  return {
    ...(round === 1 ? { text: 'Now the sum.' } : {}),
    toolCalls: calls.map(({ name, input }) => ({ name: offeredName(request, name), input })),
    usage: USAGE,
  }
}

/** The name by which the model knows a client's tool. */
export function offeredName({ tools }: Pick<RecordedRequest, 'tools'>, name: string): string {
  return tools.find((offered) => offered === name || offered.endsWith(`_${name}`)) ?? `missing-${name}`
}

/** Declares a test per client and agent: a task of five tool calls, two of them at once, finishes. */
export function testTasks(stage: ChatStage, ways: readonly Way[]): void {
  const tasks = new Map<string, RunningTask>()
  const answer = (request: RecordedRequest) => replyTo(tasks, request)
  const cases = ways.flatMap((way) =>
    (way.backends ?? CHAT_BACKENDS).map((backend) => [way.name, backend, way] as const),
  )

  beforeAll(() => stage.model.play(answer))

  test.concurrent.each(cases)(
    '%s does a task of five tool calls with %s',
    async (_, backend, way) => {
      const tag = `task-${tasks.size + 1}`
      const task = createTask(tag, way)
      tasks.set(tag, task)
      const { text, outputTokens } = await way.play(backend, task)
      expect(text).toBe(task.answer)
      expect(inAnyOrder(task.ran)).toEqual(inAnyOrder(ROUNDS.flat()))
      const calls = stage.model.calls.filter(({ body }) => JSON.stringify(body).includes(task.prompt))
      // One for each round and one for the text: nothing is asked twice.
      expect(calls.map((call) => roundsOf(call).length)).toEqual([0, 1, 2, 3, 4])
      for (const call of calls) expectOffer(backend, call, task.tools)
      const last = calls.at(-1)
      if (last) expectLoop(last, task)
      // OpenCode tells what its last call to the model took, and so nothing of a turn with more of them.
      if (backend !== 'opencode') expect(outputTokens).toBe(calls.length * USAGE.output)
    },
    120_000,
  )
}

/** What stands for things that happened at once. */
function inAnyOrder(things: readonly unknown[]): string[] {
  return things.map((thing) => JSON.stringify(thing)).sort()
}

/** The tools that the provider was told of are the client's, and no others. */
function expectOffer(backend: ChatBackend, request: RecordedRequest, tools: readonly TaskTool[]): void {
  const offered = offeredIn(request)
  for (const { name, description, schema } of tools) {
    const found = offered.find((tool) => tool.name === offeredName(request, name))
    expect(found?.description).toBe(description)
    expect(found?.schema).toMatchObject({ type: 'object', properties: schema.properties })
    expect(asArray(found?.schema['required']).toSorted()).toEqual(schema.required.toSorted())
    if (backend === 'claude' || backend === 'codex') expect(found?.name).toBe(name)
    if (backend === 'gemini') expect(found?.name).toBe(`mcp_${name}`)
  }
  expect(request.tools).toHaveLength(tools.length)
}

/** The provider was told the task as it went: each call once, with its result behind it. */
function expectLoop(request: RecordedRequest, task: RunningTask): void {
  const sent = JSON.stringify(request.body)
  expect(sent.split(task.prompt)).toHaveLength(2)
  expect(sent.split('Now the sum.')).toHaveLength(2)
  const rounds = roundsOf(request)
  expect(rounds.map(({ calls }) => calls.map(({ name, input }) => ({ name, input })))).toEqual(
    ROUNDS.map((calls) => calls.map(({ name, input }) => ({ name: offeredName(request, name), input }))),
  )
  for (const [index, { calls, results }] of rounds.entries()) {
    expect(results.map(({ id }) => id).toSorted()).toEqual(calls.map(({ id }) => id).toSorted())
    for (const [at, { id }] of calls.entries())
      expect(results.find((result) => result.id === id)?.said).toContain(
        task.results[index]?.[at] ?? 'nothing',
      )
  }
  const ids = rounds.flatMap(({ calls }) => calls.map(({ id }) => id))
  expect(new Set(ids).size).toBe(ids.length)
}

/** A tool as a provider was told of it. */
interface Offered {
  readonly name: string
  readonly description: string
  readonly schema: JsonObject
}

/** The tools that a provider was told of, whatever its dialect. */
export function offeredIn({ body, dialect }: RecordedRequest): Offered[] {
  const tools = asObjects(body['tools'])
  const declared =
    dialect === 'gemini' ? tools.flatMap((entry) => asObjects(entry['functionDeclarations'])) : tools
  return declared.map((entry) => ({
    name: asString(entry['name']),
    description: asString(entry['description']),
    schema: asObject(entry['input_schema'] ?? entry['parametersJsonSchema'] ?? entry['parameters']),
  }))
}

/** Calls that a model made at once, and their results. */
interface Round {
  readonly calls: { readonly id: string; readonly name: string; readonly input: unknown }[]
  /** `said` is the whole result, as JSON. */
  readonly results: { readonly id: string; said: string }[]
}

/** The calls and results that a provider was told of, whatever its dialect, in its order. */
export function roundsOf(request: RecordedRequest): Round[] {
  const rounds: Round[] = []
  const call = (id: unknown, name: unknown, input: unknown) => {
    if (rounds.length === 0 || rounds.at(-1)?.results.length) rounds.push({ calls: [], results: [] })
    rounds.at(-1)?.calls.push({ id: asString(id), name: asString(name), input })
  }
  const result = (id: unknown, said: unknown) =>
    rounds.at(-1)?.results.push({ id: asString(id), said: JSON.stringify(said) })
  for (const part of partsOf(request)) {
    if (part['type'] === 'tool_use') call(part['id'], part['name'], part['input'])
    else if (part['type'] === 'tool_result') result(part['tool_use_id'], part['content'])
    else if (part['type'] === 'function_call')
      call(part['call_id'], part['name'], JSON.parse(asString(part['arguments'])))
    else if (part['type'] === 'function_call_output') result(part['call_id'], part['output'])
    else if (part['functionCall']) {
      const { id, name, args } = asObject(part['functionCall'])
      call(id, name, args)
    } else if (part['functionResponse']) {
      const { id, response } = asObject(part['functionResponse'])
      result(id, response)
    } else if (part['inlineData']) {
      // What a result holds besides text stands behind it.
      const last = rounds.at(-1)?.results.at(-1)
      if (last) last.said += JSON.stringify(part['inlineData'])
    }
  }
  return rounds
}

function partsOf({ body, dialect }: RecordedRequest): JsonObject[] {
  if (dialect === 'openai') return asObjects(body['input'])
  const [list, content] = dialect === 'gemini' ? ['contents', 'parts'] : ['messages', 'content']
  return asObjects(body[list]).flatMap((message) => asObjects(message[content]))
}

function asArray(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}
