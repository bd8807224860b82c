import { ClinvkError } from '../../errors.ts'
import type { ClientTool } from '../client-tools.ts'
import type { Fields } from '../fields.ts'
import type { SessionOptions } from '../types.ts'
import { toInputSchema } from './input-schema.ts'

/** The MCP server that we are for Claude Code, over its control channel. */
export const SERVER = 'client'

/** The tool that Claude Code 2.1.330 adds for an answer that has to fit a schema. */
export const ANSWER_TOOL = 'StructuredOutput'

/** The client's tools as Claude Code gets them, and their names there and back. */
export interface Offer {
  /** What `tools/list` answers. */
  readonly list: readonly Fields[]
  /** The model's name of a tool that the client knows by this one; any other name stays as it is. */
  inside(name: string): string
  /** The client's name of the tool that the model calls by this one, where it is the client's. */
  outside(name: string): string | undefined
  /** The error for a tool that Claude Code has dropped, as the names of the tools that it has show. */
  dropped(names: readonly unknown[]): ClinvkError | undefined
}

/**
 * Names and schemas as Claude Code 2.1.330 takes them. It drops a tool that it does not understand unsaid, and all of
 * them where one schema is not of type object.
 *
 * A model without other tools sees their own names. Beside the agent's tools they have the server's name before them,
 * since a built-in tool of the same name would win.
 *
 * @throws `unsupported_option` for a tool that can't be offered.
 */
export function offerTools({
  clientTools = [],
  profile,
  jsonSchema,
}: Pick<SessionOptions, 'clientTools' | 'profile' | 'jsonSchema'>): Offer {
  const prefix = profile === 'pure' ? '' : `mcp__${SERVER}__`
  const reserved = new Set([...(prefix === '' ? ['ToolSearch'] : []), ...(jsonSchema ? [ANSWER_TOOL] : [])])
  const names = new Set(clientTools.map(({ name }) => name))
  const listed = new Map<string, string>()
  const counts = new Map<string, number>()
  for (const { name } of clientTools) {
    if (listed.has(name)) throw unusable(name, 'There are two of this name.')
    if (!NAME.test(name))
      throw unusable(name, 'A name has letters, digits, "_" and "-", at most 128 of them.')
    const fits = prefix.length + name.length <= NAME_LENGTH && !(prefix === '' && reserved.has(name))
    listed.set(name, fits ? name : otherName(name, names, counts, NAME_LENGTH - prefix.length))
  }
  const inside = new Map([...listed].map(([name, other]) => [name, `${prefix}${other}`]))
  const outside = new Map([...inside].map(([name, other]) => [other, name]))
  return {
    list: clientTools.map((tool) => toMcpTool(tool, listed.get(tool.name) ?? tool.name)),
    inside: (name) => inside.get(name) ?? name,
    outside: (name) => outside.get(name),
    dropped(names) {
      // Its `init` tells a tool named Agent by that tool's former name (2.1.330).
      const told = (name: string) => names.includes(name) || (name === 'Agent' && names.includes('Task'))
      const found = [...inside].find(([, name]) => !told(name))
      return found && unusable(found[0], 'Claude Code does not take its schema.')
    },
  }
}

/** The provider's rule. Without a prefix Claude Code sends whatever it is given. */
const NAME = /^[a-zA-Z0-9_-]{1,128}$/

/** Claude Code 2.1.330 drops a tool whose name is longer, its prefix included. */
const NAME_LENGTH = 128

/**
 * A name that is not taken, and becomes so. `counts` keeps how far names that begin alike have come: to begin each time
 * at 2 takes long where many do.
 */
function otherName(name: string, taken: Set<string>, counts: Map<string, number>, length: number): string {
  const beginning = name.slice(0, length - LONGEST_COUNT)
  for (let count = counts.get(beginning) ?? 2; ; count += 1) {
    const other = `${name.slice(0, length - String(count).length - 1)}_${count}`
    if (taken.has(other)) continue
    taken.add(other)
    counts.set(beginning, count + 1)
    return other
  }
}

/** What the longest count takes of a name, with its line. */
const LONGEST_COUNT = 7

function toMcpTool({ name, description = '', inputSchema }: ClientTool, listed: string): Fields {
  return {
    name: listed,
    description,
    inputSchema: toInputSchema(inputSchema, (why) => unusable(name, why)),
    // Without it the calls of one answer are made one by one, each after the result of the one before. The model is
    // not told.
    annotations: { readOnlyHint: true },
    _meta: {
      // Else the agent's own `ToolSearch` hides it.
      'anthropic/alwaysLoad': true,
      'anthropic/maxResultSizeChars': LONGEST_RESULT,
    },
  }
}

/** Characters of a result, the most that Claude Code 2.1.330 can be told; more goes to a file, with an excerpt. */
export const LONGEST_RESULT = 500_000

function unusable(name: string, why: string): ClinvkError {
  return new ClinvkError('unsupported_option', `tools: "${name}" can't be offered to the model. ${why}`, {
    details: { option: 'tools', tool: name },
  })
}
