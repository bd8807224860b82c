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
  messages,
}: Pick<MessagesRequest, 'tools' | 'tool_choice' | 'messages'>): Pick<
  ChatTurn,
  'tools' | 'toolChoice' | 'serialCalls'
> {
  if (choice?.type === 'none') return {}
  const named = checkTools((tools ?? []).map(toNamedTool), LONGEST_NAME)
  const all = named.filter(isLoaded(tools ?? [], messages))
  const serial = choice?.disable_parallel_tool_use === true ? { serialCalls: true } : {}
  if (!choice || choice.type === 'auto') return all.length === 0 ? {} : { tools: all, ...serial }
  if (all.length === 0) throw wrongField('tool_choice', 'needs tools to choose from, and there are none.')
  if (choice.type === 'any') return { tools: all, toolChoice: 'required', ...serial }
  return { tools: all, toolChoice: chosenTool(choice.name ?? '', all, 'tool_choice.name'), ...serial }
}

/** As Anthropic has it. */
const LONGEST_NAME = 128

/** Claude Code defers most of its tools, and finds those that its model asks for with a tool of its own. */
function isLoaded(
  tools: readonly ToolDefinition[],
  messages: MessagesRequest['messages'],
): (tool: { readonly name: string }) => boolean {
  const deferred = new Set(tools.flatMap((tool) => (tool.defer_loading === true ? [tool.name] : [])))
  if (deferred.size === 0) return () => true
  const referred = new Set(messages.flatMap(({ content }) => referencesIn(content)))
  return ({ name }) => !deferred.has(name) || referred.has(name)
}

function referencesIn(content: MessagesRequest['messages'][number]['content']): string[] {
  if (typeof content === 'string') return []
  return content.flatMap((block) => {
    if (block.type !== 'tool_result' || typeof block.content !== 'object') return []
    return (block.content ?? []).flatMap((part) => (part.type === 'tool_reference' ? [part.tool_name] : []))
  })
}

/** Tools that the client carries out, and of which only Anthropic's models know the arguments. */
const SCHEMA_LESS = /^(?:bash|text_editor|memory|computer)_\d+$/
const SCHEMA_IS_UNKNOWN =
  "only Anthropic's own API knows its arguments. Offer a tool of your own instead, with the same name and an input_schema."
const NOT_OFFERED = 'a tool of the provider, and agents have none of them. Leave it out.'

function toNamedTool({ type, name, description, input_schema }: ToolDefinition, index: number): NamedTool {
  const path = `tools[${index}]`
  if (type && type !== 'custom')
    throw unsupported(
      `${path}.type`,
      `is ${JSON.stringify(type.slice(0, 60))}: ${SCHEMA_LESS.test(type) ? SCHEMA_IS_UNKNOWN : NOT_OFFERED}`,
    )
  if (!input_schema) throw wrongField(`${path}.input_schema`, 'is missing: expected an object.')
  return {
    name,
    ...(description ? { description } : {}),
    inputSchema: argumentsSchema(input_schema),
    path,
  }
}
