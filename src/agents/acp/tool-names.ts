import type { ClientTool } from '../client-tools.ts'
import type { HistoryMessage } from '../messages.ts'
import type { McpTool } from './mcp-session.ts'

/** The client's tools as an agent gets them, and the way back to the client's names. */
export interface NamedTools {
  readonly tools: readonly McpTool[]
  /** The client's tool that the agent knows by this name. */
  find(name: string): ClientTool | undefined
  /** The agent's name for one of the client's, where it is one. */
  nameOf(clientName: string): string | undefined
}

/**
 * Providers take 64 characters, and agents put the server's name before the tool's. Gemini CLI 0.61.0 cuts the middle
 * out of what is longer, and of two names that are equal then forgets one.
 */
const LONGEST = 59

/**
 * Gives tools names that every agent and provider leaves as they are, each its own.
 *
 * @param reserved Names that the agent does not take.
 */
export function nameTools(
  tools: readonly ClientTool[],
  reserved: ReadonlySet<string> = new Set(),
): NamedTools {
  const byName = new Map<string, ClientTool>()
  const names = new Map<string, string>()
  const counts = new Map<string, number>()
  const changes = ({ name }: ClientTool) => !isPlain(name) || reserved.has(name)
  const isTaken = (name: string) => byName.has(name) || reserved.has(name)
  // A name that needs no change is not to lose it to one that does.
  for (const tool of tools.toSorted((one, other) => Number(changes(one)) - Number(changes(other)))) {
    const name = unlike(isTaken, counts, tool.name.replace(/[^A-Za-z0-9_-]/g, '_') || '_')
    byName.set(name, tool)
    names.set(tool.name, name)
  }
  return {
    tools: tools.map((tool) => ({
      name: names.get(tool.name) ?? tool.name,
      ...(tool.description === undefined ? {} : { description: tool.description }),
      inputSchema: toInputSchema(tool.inputSchema),
    })),
    find: (name) => byName.get(name),
    nameOf: (clientName) => names.get(clientName),
  }
}

/** Earlier messages with the calls of these tools as the model would make them now. */
export function renameCalls(
  history: readonly HistoryMessage[],
  toName: (clientName: string) => string | undefined,
): HistoryMessage[] {
  return history.map((message) =>
    message.role === 'assistant'
      ? {
          ...message,
          toolCalls: message.toolCalls.map((call) => ({ ...call, name: toName(call.name) ?? call.name })),
        }
      : message,
  )
}

function isPlain(name: string): boolean {
  return name.length <= LONGEST && /^[A-Za-z0-9_-]+$/.test(name)
}

/** `counts` keeps how far names that begin alike have come: to begin each time at 2 takes minutes where many do. */
function unlike(isTaken: (name: string) => boolean, counts: Map<string, number>, wanted: string): string {
  const name = wanted.slice(0, LONGEST)
  if (!isTaken(name)) return name
  const beginning = name.slice(0, LONGEST - LONGEST_COUNT)
  for (let count = counts.get(beginning) ?? 2; ; count += 1) {
    const free = `${name.slice(0, LONGEST - String(count).length - 1)}_${count}`
    if (isTaken(free)) continue
    counts.set(beginning, count + 1)
    return free
  }
}

/** What the longest count takes of a name, with its line. */
const LONGEST_COUNT = 7

/**
 * One schema whose root is not exactly what MCP asks for makes an agent drop all tools of the server, without a word
 * (Gemini CLI 0.61.0, OpenCode 1.18.33): an object, whose properties are objects. What is below is not looked at.
 */
function toInputSchema(schema: ClientTool['inputSchema']): McpTool['inputSchema'] {
  const { properties, required, ...rest } = schema
  const known = typeof properties === 'object' && properties !== null ? Object.entries(properties) : []
  return {
    ...rest,
    type: 'object',
    properties: Object.fromEntries(known.map(([name, value]) => [name, toSchemaObject(value)])),
    ...(Array.isArray(required) && required.every((name) => typeof name === 'string') ? { required } : {}),
  }
}

/** `true` fits everything and `false` nothing. */
function toSchemaObject(value: unknown): unknown {
  if (value === false) return { not: {} }
  return typeof value === 'object' && value !== null ? value : {}
}
