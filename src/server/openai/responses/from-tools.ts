import { checkTools, chosenTool, type NamedTool } from '../../chat/client-tools.ts'
import type { ChatTurn } from '../../chat/types.ts'
import { invalidFields } from '../../validate.ts'
import { LONGEST_NAME } from '../from-tools.ts'
import { offeredName } from './client-tools.ts'
import type { CreateResponse } from './schema.ts'

type OfTools = Pick<ChatTurn, 'tools' | 'toolChoice' | 'serialCalls'>

/**
 * Translates the tools of a response.
 *
 * @throws `invalid_request`, with the field.
 */
export function fromTools(
  { tool_choice: choice, parallel_tool_calls: parallel }: CreateResponse,
  tools: readonly NamedTool[],
): OfTools {
  const all = checkTools(tools, LONGEST_OFFERED)
  if (choice === 'none') return {}
  const serial = parallel === false ? { serialCalls: true } : {}
  if (choice === undefined || choice === null || choice === 'auto')
    return all.length === 0 ? {} : { tools: all, ...serial }
  if (all.length === 0) throw wrongChoice('needs tools to choose from, and there are none.')
  if (choice === 'required') return { tools: all, toolChoice: 'required', ...serial }
  if (typeof choice === 'string')
    throw wrongChoice(`is ${JSON.stringify(choice)}, expected none, auto, required or a tool.`)
  const { type, name, namespace, mode, tools: allowed } = choice
  if (type === 'allowed_tools') {
    const names = (allowed ?? []).map((tool) => offeredName(tool.name ?? '', tool.namespace))
    for (const each of names) chosenTool(each, all, 'tool_choice.tools')
    const left = all.filter((tool) => names.includes(tool.name))
    return { tools: left, ...(mode === 'required' ? { toolChoice: 'required' as const } : {}), ...serial }
  }
  if ((type !== 'function' && type !== 'custom') || typeof name !== 'string')
    throw wrongChoice('names a tool of the provider, and agents have none of them.')
  return {
    tools: all,
    toolChoice: chosenTool(offeredName(name, namespace), all, 'tool_choice.name'),
    ...serial,
  }
}

/** A namespace, two underscores and a name. */
const LONGEST_OFFERED = 2 * LONGEST_NAME + 2

function wrongChoice(message: string) {
  return invalidFields([{ path: 'tool_choice', message }])
}
