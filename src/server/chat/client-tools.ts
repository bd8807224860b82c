import type { ClientTool, JsonSchema, ToolChoice } from '../../agents/client-tools.ts'
import { checkSchema } from '../../engine/json-schema.ts'
import type { ClinvkError } from '../../errors.ts'
import { invalidFields } from '../validate.ts'

/** A tool as a request names it. `path` is where. */
export interface NamedTool extends ClientTool {
  readonly path: string
}

/** Tools of one request. Agents with many MCP servers send some hundreds. */
export const MOST_TOOLS = 1000

/**
 * Checks the tools of a request together. There may be more of them than of any of its lists, which are checked before.
 *
 * @throws `invalid_request` with the field.
 */
export function checkTools(tools: readonly NamedTool[], longestName: number): ClientTool[] {
  if (tools.length > MOST_TOOLS)
    throw wrong('tools', `are ${tools.length} together, and ${MOST_TOOLS} at most are taken.`)
  const names = new Set<string>()
  for (const { name, path, inputSchema } of tools) {
    if (!/^[A-Za-z0-9_-]+$/.test(name) || name.length > longestName)
      throw wrong(`${path}.name`, `must be 1 to ${longestName} letters, digits, _ and -.`)
    if (names.has(name)) throw wrong(`${path}.name`, 'is the name of another tool, too.')
    names.add(name)
    if ((inputSchema['type'] ?? 'object') !== 'object')
      throw wrong(path, 'has arguments of another type than object.')
    const problem = checkSchema(inputSchema)
    if (problem !== undefined) throw wrong(path, `has a JSON Schema that is not valid: ${problem}.`)
  }
  return tools.map(({ path: _, ...tool }) => tool)
}

/** The schema of a tool's arguments, where a request may leave it out. */
export function argumentsSchema(given: JsonSchema | null | undefined): JsonSchema {
  return { type: 'object', ...(given ?? { properties: {} }) }
}

/**
 * The tool that has to be called.
 *
 * @throws `invalid_request` at `path` where there is none of that name.
 */
export function chosenTool(name: string, tools: readonly ClientTool[], path: string): ToolChoice {
  if (tools.some((tool) => tool.name === name)) return { name }
  throw wrong(path, `names ${JSON.stringify(name.slice(0, 100))}, which is none of the tools.`)
}

function wrong(path: string, message: string): ClinvkError {
  return invalidFields([{ path, message }])
}
