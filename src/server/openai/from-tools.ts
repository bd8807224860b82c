import type { ClientTool } from '../../agents/client-tools.ts'
import { argumentsSchema, checkTools, chosenTool, type NamedTool } from '../chat/client-tools.ts'
import type { ChatTurn } from '../chat/types.ts'
import { invalidFields } from '../validate.ts'
import { CUSTOM_SCHEMA, customDescription } from './custom-tools.ts'
import type { ChatCompletionRequest } from './request-schema.ts'
import type { ToolChoice, ToolDefinition } from './tool-schema.ts'

type OfTools = Pick<ChatTurn, 'tools' | 'toolChoice' | 'serialCalls'>

/**
 * Translates the tools of a chat completion.
 *
 * @throws `invalid_request`, with the field.
 */
export function fromTools({
  tools,
  tool_choice: choice,
  parallel_tool_calls: parallel,
}: Pick<ChatCompletionRequest, 'tools' | 'tool_choice' | 'parallel_tool_calls'>): OfTools {
  const all = checkTools((tools ?? []).map(toNamedTool), LONGEST_NAME)
  if (choice === 'none' || (all.length === 0 && !isForcing(choice))) return {}
  const chosen = choose(choice ?? 'auto', all)
  return { ...chosen, ...(parallel === false ? { serialCalls: true } : {}) }
}

function isForcing(choice: ToolChoice | null | undefined): boolean {
  return choice !== undefined && choice !== null && choice !== 'auto'
}

/** As OpenAI has it. */
export const LONGEST_NAME = 64

function toNamedTool(tool: ToolDefinition, index: number): NamedTool {
  if (tool.type === 'custom') {
    const { name, description, format } = tool.custom
    const told = customDescription(description ?? '', format)
    return { name, description: told, inputSchema: CUSTOM_SCHEMA, path: `tools[${index}].custom` }
  }
  const { name, description, parameters } = tool.function
  return {
    name,
    ...(description ? { description } : {}),
    inputSchema: argumentsSchema(parameters),
    path: `tools[${index}].function`,
  }
}

function choose(choice: ToolChoice, tools: readonly ClientTool[]): OfTools {
  if (choice === 'none' || choice === 'auto') return { tools }
  if (tools.length === 0)
    throw invalidFields([{ path: 'tool_choice', message: 'needs tools to choose from, and there are none.' }])
  if (choice === 'required') return { tools, toolChoice: 'required' }
  if (choice.type === 'allowed_tools') {
    const { mode, tools: allowed } = choice.allowed_tools
    const names = allowed.map(({ function: called, custom }) => called?.name ?? custom?.name ?? '')
    for (const [index, name] of names.entries())
      chosenTool(name, tools, `tool_choice.allowed_tools.tools[${index}]`)
    const left = tools.filter(({ name }) => names.includes(name))
    return { tools: left, ...(mode === 'required' ? { toolChoice: 'required' as const } : {}) }
  }
  const [path, name] =
    choice.type === 'custom'
      ? ['tool_choice.custom.name', choice.custom.name]
      : ['tool_choice.function.name', choice.function.name]
  return { tools, toolChoice: chosenTool(name, tools, path) }
}
