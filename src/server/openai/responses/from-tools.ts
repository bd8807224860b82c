import { argumentsSchema, checkTools, chosenTool, type NamedTool } from '../../chat/client-tools.ts'
import type { ChatTurn } from '../../chat/types.ts'
import { invalidFields } from '../../validate.ts'
import { CUSTOM_SCHEMA, customDescription } from '../custom-tools.ts'
import { LONGEST_NAME } from '../from-tools.ts'
import type { CreateResponse } from './schema.ts'

type OfTools = Pick<ChatTurn, 'tools' | 'toolChoice' | 'serialCalls'>

/**
 * Translates the tools of a response.
 *
 * @throws `invalid_request`, with the field.
 */
export function fromTools({
  tools,
  tool_choice: choice,
  parallel_tool_calls: parallel,
}: CreateResponse): OfTools {
  const named = (tools ?? []).flatMap((tool, index) => toNamedTool(tool, `tools[${index}]`))
  const all = checkTools(named, LONGEST_NAME)
  if (choice === 'none') return {}
  const serial = parallel === false ? { serialCalls: true } : {}
  if (choice === undefined || choice === null || choice === 'auto')
    return all.length === 0 ? {} : { tools: all, ...serial }
  if (all.length === 0) throw wrongChoice('needs tools to choose from, and there are none.')
  if (choice === 'required') return { tools: all, toolChoice: 'required', ...serial }
  if (typeof choice === 'string')
    throw wrongChoice(`is ${JSON.stringify(choice)}, expected none, auto, required or a tool.`)
  const { type, name, mode, tools: allowed } = choice
  if (type === 'allowed_tools') {
    const names = (allowed ?? []).map((tool) => tool.name ?? '')
    for (const each of names) chosenTool(each, all, 'tool_choice.tools')
    const left = all.filter((tool) => names.includes(tool.name))
    return { tools: left, ...(mode === 'required' ? { toolChoice: 'required' as const } : {}), ...serial }
  }
  if ((type !== 'function' && type !== 'custom') || typeof name !== 'string')
    throw wrongChoice('names a tool of the provider, and agents have none of them.')
  return { tools: all, toolChoice: chosenTool(name, all, 'tool_choice.name'), ...serial }
}

/** Tools of the provider's own that a request offers, as fields that change nothing: Codex offers them always. */
export function hostedTools({ tools, tool_choice: choice }: CreateResponse): string[] {
  if (choice === 'none') return []
  const types = (tools ?? [])
    .map(({ type }) => type)
    .filter((type) => type !== 'function' && type !== 'custom')
  return [...new Set(types)].map((type) => `tools.${type.replace(/[^\w.-]/g, '_').slice(0, 60)}`)
}

function toNamedTool(tool: NonNullable<CreateResponse['tools']>[number], path: string): NamedTool[] {
  const { type, name, description, parameters, format } = tool
  if (type !== 'function' && type !== 'custom') return []
  if (typeof name !== 'string')
    throw invalidFields([{ path: `${path}.name`, message: 'is missing: expected a text.' }])
  if (type === 'custom')
    return [
      { name, description: customDescription(description ?? '', format), inputSchema: CUSTOM_SCHEMA, path },
    ]
  return [{ name, ...(description ? { description } : {}), inputSchema: argumentsSchema(parameters), path }]
}

function wrongChoice(message: string) {
  return invalidFields([{ path: 'tool_choice', message }])
}
