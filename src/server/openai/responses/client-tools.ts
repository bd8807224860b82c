import type { JsonSchema } from '../../../agents/client-tools.ts'
import { argumentsSchema, type NamedTool } from '../../chat/client-tools.ts'
import { invalidFields } from '../../validate.ts'
import { CUSTOM_SCHEMA, customDescription } from '../custom-tools.ts'
import { LONGEST_NAME } from '../from-tools.ts'
import type { RawItem } from './parse-item.ts'
import type { CreateResponse } from './schema.ts'

/** How a call of a tool is told to the client. */
export interface CallForm {
  readonly kind: 'call' | 'custom' | 'search'
  /** As the client named the tool. */
  readonly name: string
  readonly namespace?: string
}

/** The client's tools of one request, by the names that the model has for them. */
export interface ClientTools {
  readonly tools: readonly NamedTool[]
  /** Types of what the provider would carry out itself, and nobody does here. */
  readonly hosted: readonly string[]
  /** How calls are told, where not as calls of a function of that name. */
  readonly forms: ReadonlyMap<string, CallForm>
}

/**
 * Finds the tools of a request. Newer models of Codex are offered them by items of the input (`additional_tools`, and
 * `tool_search_output` once they were looked up), and most are in namespaces (0.169.0). `before` are the items of the
 * chain that the request goes on from.
 *
 * @throws `invalid_request`, with the field.
 */
export function clientToolsOf(
  { tools, input }: CreateResponse,
  before: readonly RawItem[] = [],
): ClientTools {
  const own = (tools ?? []).flatMap((tool, index) => read(tool, `tools[${index}]`))
  const items = [
    ...before.flatMap((item) => readItem(item, 'previous_response_id')),
    ...(typeof input === 'string' ? [] : (input ?? [])).flatMap((item, index) =>
      readItem(item, `input[${index}]`),
    ),
  ]
  // What an item offers again replaces what was there. The same name twice in `tools` is a mistake.
  const later = new Map(items.flatMap((tool) => (tool.named ? [[tool.named.name, tool.named] as const] : [])))
  const all = [...own, ...items]
  return {
    tools: [
      ...own.flatMap(({ named }) => (named && !later.has(named.name) ? [named] : [])),
      ...later.values(),
    ],
    hosted: [...new Set(all.flatMap(({ hosted }) => hosted ?? []))],
    forms: new Map(all.flatMap(({ named, form }) => (named && form ? [[named.name, form] as const] : []))),
  }
}

/** The model's name for a tool. */
export function offeredName(name: string, namespace: unknown): string {
  // What OpenAI calls a tool without a namespace.
  return typeof namespace !== 'string' || namespace === 'functions' ? name : `${namespace}__${name}`
}

/** The model's name for the search of deferred tools, which has none of its own. */
export const SEARCH = 'tool_search'

/** A tool that was read: the client's or, else, the provider's. */
interface Read {
  readonly named?: NamedTool
  readonly form?: CallForm
  readonly hosted?: string
}

function readItem(item: RawItem, path: string): Read[] {
  const { type, tools } = item
  if ((type !== 'additional_tools' && type !== 'tool_search_output') || !Array.isArray(tools)) return []
  return tools.flatMap((tool, index) => read(tool, `${path}.tools[${index}]`))
}

function read(tool: unknown, path: string, space?: Namespace): Read[] {
  if (!isObject(tool)) throw wrong(path, 'must be an object.')
  const { type, description, parameters, format } = tool
  if (type === 'namespace') return readNamespace(tool, path)
  if (type === SEARCH && tool['execution'] === 'client')
    return [
      {
        named: { ...about(SEARCH, description, path), inputSchema: schemaOf(parameters, path) },
        form: SEARCHES,
      },
    ]
  if (type !== 'function' && type !== 'custom') return [{ hosted: String(type) }]
  const own = nameOf(tool, path)
  const name = offeredName(own, space?.name)
  const form = { name: own, ...(space ? { namespace: space.name } : {}) }
  const told = [space?.description ?? '', typeof description === 'string' ? description : '']
    .filter((text) => text !== '')
    .join('\n\n')
  if (type === 'custom')
    return [
      {
        named: { ...about(name, customDescription(told, format), path), inputSchema: CUSTOM_SCHEMA },
        form: { kind: 'custom', ...form },
      },
    ]
  return [
    {
      named: { ...about(name, told, path), inputSchema: schemaOf(parameters, path) },
      ...(space ? { form: { kind: 'call', ...form } } : {}),
    },
  ]
}

interface Namespace {
  readonly name: string
  /** What it says of all its tools. The first one tells it. */
  readonly description?: string
}

function readNamespace(tool: RawItem, path: string): Read[] {
  const name = nameOf(tool, path)
  const { description, tools } = tool
  return (Array.isArray(tools) ? tools : []).flatMap((nested: unknown, index) =>
    read(nested, `${path}.tools[${index}]`, {
      name,
      ...(index === 0 && typeof description === 'string' ? { description } : {}),
    }),
  )
}

const SEARCHES: CallForm = { kind: 'search', name: SEARCH }

function about(name: string, description: unknown, path: string) {
  return { name, path, ...(typeof description === 'string' && description !== '' ? { description } : {}) }
}

function schemaOf(parameters: unknown, path: string): JsonSchema {
  if (parameters === undefined || parameters === null) return argumentsSchema(undefined)
  if (!isObject(parameters)) throw wrong(`${path}.parameters`, 'must be an object.')
  return argumentsSchema(parameters)
}

function nameOf({ name }: RawItem, path: string): string {
  if (typeof name !== 'string') throw wrong(`${path}.name`, 'is missing: expected a text.')
  if (name.length > LONGEST_NAME) throw wrong(`${path}.name`, `must be ${LONGEST_NAME} characters at most.`)
  return name
}

function isObject(value: unknown): value is RawItem {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function wrong(path: string, message: string) {
  return invalidFields([{ path, message }])
}
