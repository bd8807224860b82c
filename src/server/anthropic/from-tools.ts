import { argumentsSchema, checkTools, chosenTool, type NamedTool } from '../chat/client-tools.ts'
import type { ChatTurn } from '../chat/types.ts'
import { unsupported, wrongField } from './refuse.ts'
import type { MessagesRequest, ToolDefinition } from './schema.ts'

/**
 * Translates the tools of a request.
 *
 * @throws `invalid_request` with the field, `unsupported_option` for a tool of the provider's own.
 */
export function fromTools({
  tools,
  tool_choice: choice,
}: Pick<MessagesRequest, 'tools' | 'tool_choice'>): Pick<ChatTurn, 'tools' | 'toolChoice' | 'serialCalls'> {
  if (choice?.type === 'none') return {}
  const all = checkTools((tools ?? []).map(toNamedTool), LONGEST_NAME)
  const serial = choice?.disable_parallel_tool_use === true ? { serialCalls: true } : {}
  if (!choice || choice.type === 'auto') return all.length === 0 ? {} : { tools: all, ...serial }
  if (all.length === 0) throw wrongField('tool_choice', 'needs tools to choose from, and there are none.')
  if (choice.type === 'any') return { tools: all, toolChoice: 'required', ...serial }
  return { tools: all, toolChoice: chosenTool(choice.name ?? '', all, 'tool_choice.name'), ...serial }
}

/** As Anthropic has it. */
const LONGEST_NAME = 128

function toNamedTool({ type, name, description, input_schema }: ToolDefinition, index: number): NamedTool {
  const path = `tools[${index}]`
  if (type && type !== 'custom')
    throw unsupported(
      `${path}.type`,
      `is ${JSON.stringify(type.slice(0, 60))}: a tool of the provider, and agents have none of them. Leave it out.`,
    )
  if (!input_schema) throw wrongField(`${path}.input_schema`, 'is missing: expected an object.')
  return {
    name,
    ...(description ? { description } : {}),
    inputSchema: argumentsSchema(input_schema),
    path,
  }
}
