import { callInput } from '../../chat/call-input.ts'
import { invalidFields } from '../../validate.ts'
import { clientToolsOf, offeredName, SEARCH } from './client-tools.ts'

/** An item as a client sends it or we keep it: JSON. */
export type RawItem = Readonly<Record<string, unknown>>

/** What an item of the Responses API means to a conversation. */
export type ParsedItem =
  | { readonly kind: 'message'; readonly role: Role; readonly content: readonly ParsedPart[] }
  | { readonly kind: 'call'; readonly callId: string; readonly name: string; readonly input: unknown }
  | { readonly kind: 'result'; readonly callId: string; readonly output: readonly ParsedPart[] }
  /** What a tool of the provider's own did in an earlier answer. */
  | {
      readonly kind: 'hosted'
      readonly id: string
      readonly name: string
      readonly input: unknown
      readonly output: string
    }
  /** Thinking of an earlier answer. Only the model's own service could give it back to the model. */
  | { readonly kind: 'reasoning' }
  | { readonly kind: 'reference'; readonly id: string }

/** A piece of a message. `path` is where the field with its data stands in the request. */
export type ParsedPart =
  | { readonly kind: 'text'; readonly text: string }
  /** An address: `data:` or `http(s):`. */
  | { readonly kind: 'url'; readonly url: string; readonly path: string; readonly name?: string }
  /** Base64 without a type. */
  | { readonly kind: 'data'; readonly data: string; readonly path: string; readonly name?: string }

type Role = (typeof ROLES)[number]

/**
 * Reads one item. Messages need no `type`, and references none either.
 *
 * @throws `invalid_request` naming the field under `path`.
 */
export function parseItem(item: RawItem, path: string): ParsedItem {
  const type = item['type'] ?? (item['role'] === undefined ? 'item_reference' : 'message')
  if (typeof type !== 'string') throw wrong(`${path}.type`, 'must be a text.')
  switch (type) {
    case 'message':
      return { kind: 'message', role: roleOf(item, path), content: contentOf(item, 'content', path) }
    case 'item_reference':
      return { kind: 'reference', id: textOf(item, 'id', path) }
    case 'reasoning':
    // A list of what could be called says nothing that was said.
    case 'mcp_list_tools':
    case 'additional_tools':
      return { kind: 'reasoning' }
    case 'function_call':
    case 'custom_tool_call': {
      const input = textOf(item, type === 'function_call' ? 'arguments' : 'input', path)
      const name = offeredName(textOf(item, 'name', path), item['namespace'])
      const called = { callId: textOf(item, 'call_id', path), name }
      return { kind: 'call', ...called, input: type === 'function_call' ? callInput(input) : { input } }
    }
    case 'tool_search_call':
      return parseSearch(item, path)
    case 'tool_search_output':
      return parseFound(item)
    case 'function_call_output':
    case 'custom_tool_call_output':
      return {
        kind: 'result',
        callId: textOf(item, 'call_id', path),
        output: contentOf(item, 'output', path),
      }
    default:
      return parseOtherTool(item, type, path)
  }
}

const ROLES = ['user', 'assistant', 'system', 'developer'] as const

/**
 * Tools of OpenAI's own: those that the client runs, such as `local_shell_call` and `local_shell_call_output`, and
 * those that the provider ran, such as `web_search_call`.
 */
function parseOtherTool(item: RawItem, type: string, path: string): ParsedItem {
  const { id, type: _type, status, call_id: callId, ...rest } = item
  if (typeof callId === 'string' && type.endsWith('_output'))
    return { kind: 'result', callId, output: [{ kind: 'text', text: outputText(rest) }] }
  if (typeof callId === 'string' && type.endsWith('_call'))
    return { kind: 'call', callId, name: type.slice(0, -'_call'.length), input: rest }
  if (typeof id === 'string' && type.endsWith('_call')) {
    const { outputs, results, result, output, error, ...input } = rest
    const told = outputs ?? results ?? result ?? output ?? error ?? status ?? null
    return {
      kind: 'hosted',
      id,
      name: type.slice(0, -'_call'.length),
      input,
      output: typeof told === 'string' ? told : JSON.stringify(told),
    }
  }
  throw wrong(
    `${path}.type`,
    `is ${JSON.stringify(type.slice(0, 60))}, which no agent can be given. Known: message, function_call, function_call_output, custom_tool_call, custom_tool_call_output, reasoning, item_reference.`,
  )
}

/** A search for tools that the client carries out is a call of a tool like any other; the provider's own has no id. */
function parseSearch(item: RawItem, path: string): ParsedItem {
  const { call_id: callId, arguments: input } = item
  if (typeof callId !== 'string') return { kind: 'reasoning' }
  return typeof input === 'string'
    ? { kind: 'call', callId, name: SEARCH, input: callInput(textOf(item, 'arguments', path)) }
    : { kind: 'call', callId, name: SEARCH, input: input ?? {} }
}

/** The model is told what was found by the names that it has for the tools, which are offered from now on. */
function parseFound({ call_id: callId, tools }: RawItem): ParsedItem {
  if (typeof callId !== 'string') return { kind: 'reasoning' }
  const names = clientToolsOf({ model: '', tools: Array.isArray(tools) ? tools : [] }).tools.map(
    ({ name }) => name,
  )
  const text =
    names.length === 0 ? 'No tools were found.' : `These tools can be called now: ${names.join(', ')}`
  return { kind: 'result', callId, output: [{ kind: 'text', text }] }
}

function outputText(rest: RawItem): string {
  return typeof rest['output'] === 'string' ? rest['output'] : JSON.stringify(rest['output'] ?? rest)
}

function roleOf(item: RawItem, path: string): Role {
  const role = ROLES.find((name) => name === item['role'])
  if (role === undefined) throw wrong(`${path}.role`, `must be one of ${ROLES.join(', ')}.`)
  return role
}

function textOf(item: RawItem, field: string, path: string): string {
  const value = item[field]
  if (typeof value === 'string') return value
  throw wrong(`${path}.${field}`, value === undefined ? 'is missing: expected a text.' : 'must be a text.')
}

function contentOf(item: RawItem, field: string, path: string): ParsedPart[] {
  const content = item[field]
  if (typeof content === 'string') return [{ kind: 'text', text: content }]
  if (content === null && item['role'] === 'assistant') return []
  if (!Array.isArray(content)) throw wrong(`${path}.${field}`, 'must be a text or a list of parts.')
  return content.map((part: unknown, index) => {
    const at = `${path}.${field}[${index}]`
    if (typeof part !== 'object' || part === null) throw wrong(at, 'must be an object.')
    const parsed = parsePart(part as RawItem, at)
    if (parsed.kind !== 'text' && item['role'] !== undefined && item['role'] !== 'user')
      throw wrong(
        `${at}.type`,
        `must be a text: a message of the ${String(item['role'])} holds nothing else.`,
      )
    return parsed
  })
}

function parsePart(part: RawItem, path: string): ParsedPart {
  switch (part['type']) {
    case 'input_text':
    case 'output_text':
    case 'text':
      return { kind: 'text', text: textOf(part, 'text', path) }
    case 'refusal':
      return { kind: 'text', text: textOf(part, 'refusal', path) }
    case 'input_image':
      refuseFileId(part, path)
      return { kind: 'url', url: textOf(part, 'image_url', path), path: `${path}.image_url` }
    case 'input_file':
      refuseFileId(part, path)
      return parseFile(part, path)
    default:
      throw wrong(
        `${path}.type`,
        `is ${JSON.stringify(String(part['type']).slice(0, 60))}, expected one of input_text, input_image, input_file, output_text, refusal.`,
      )
  }
}

function parseFile(part: RawItem, path: string): ParsedPart {
  const name = typeof part['filename'] === 'string' ? { name: part['filename'] } : {}
  const field = (part['file_data'] ?? undefined) === undefined ? 'file_url' : 'file_data'
  const value = textOf(part, field, path)
  const at = { path: `${path}.${field}`, ...name }
  return field === 'file_url' || /^data:/i.test(value)
    ? { kind: 'url', url: value, ...at }
    : { kind: 'data', data: value, ...at }
}

function refuseFileId(part: RawItem, path: string): void {
  if ((part['file_id'] ?? undefined) === undefined) return
  throw wrong(`${path}.file_id`, 'names an uploaded file, and there are none here. Send the data itself.')
}

/** Models write arguments, and not always as JSON. */
function wrong(path: string, message: string) {
  return invalidFields([{ path, message }])
}
