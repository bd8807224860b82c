import { ClinvkError } from '../../errors.ts'
import { within } from '../../process/within.ts'
import type { Fields } from '../fields.ts'
import type { SessionOptions } from '../types.ts'
import { type ClientCalls, createClientCalls } from './client-calls.ts'
import type { McpEndpoint } from './mcp-endpoint.ts'
import { createMcpSession } from './mcp-session.ts'
import type { ClientToolsWay, ToolServers } from './profile.ts'
import { nameTools } from './tool-names.ts'

/** The tools of one session's client, on their way to an agent. */
export interface OpenTools {
  /** For the session's `mcpServers`. */
  readonly server: Fields
  /** The mode in which the agent offers them, where it takes one. */
  readonly mode: string | undefined
  readonly calls: ClientCalls
  /** The model's name for one of them. */
  modelName(clientName: string): string | undefined
  /** @throws `agent_protocol` where the agent never asked for them. */
  requireListed(): Promise<void>
  close(): void
}

/** Gives out the names of MCP servers, each to one session of a folder at a time unless it can be shared. */
export interface ServerNames {
  /** @throws `unsupported_option` when all are taken. */
  take(servers: ToolServers, folder: string): { readonly name: string; release(): void }
}

export function createServerNames(backend: string): ServerNames {
  const taken = new Set<string>()
  return {
    take({ names, shared }, folder) {
      const keyOf = (name: string) => JSON.stringify([folder, name])
      const name = names.find((known) => shared || !taken.has(keyOf(known)))
      if (name === undefined)
        throw new ClinvkError(
          'unsupported_option',
          `tools: ${backend} has ${names.length} open conversations with tools of their clients in this folder and takes no more, since it would mix them.`,
          { details: { backend, option: 'tools' }, retryable: true },
        )
      taken.add(keyOf(name))
      return { name, release: () => void taken.delete(keyOf(name)) }
    },
  }
}

/** How long the agent may take to ask for the tools once its session is open, in ms. Both ask before it is. */
const LISTED_MS = 2000

/** Where the tools of a session are to be had. */
export interface ToolsPlace {
  readonly servers: ToolServers
  readonly names: ServerNames
  /** The session's. */
  readonly folder: string
  readonly backend: string
}

/** Makes an MCP server for the tools of a session. */
export function openClientTools(
  endpoint: McpEndpoint,
  way: ClientToolsWay,
  { servers, names, folder, backend }: ToolsPlace,
  { clientTools = [], toolChoice, history = [] }: SessionOptions,
): OpenTools {
  // The others are out of the question.
  const named = nameTools(
    typeof toolChoice === 'object' ? clientTools.filter(({ name }) => name === toolChoice.name) : clientTools,
    servers.reserved,
  )
  if (named.tools.length === 0)
    throw new ClinvkError('invalid_request', 'tool_choice: there is no tool of this name.')
  const { name, release } = names.take(servers, folder)
  const usedIds = history.flatMap((message) =>
    message.role === 'assistant' ? message.toolCalls.map(({ id }) => id) : [],
  )
  const calls = createClientCalls({ way, server: name, named, usedIds })
  const session = createMcpSession({ tools: named.tools, onCall: calls.take, progress: way.progress })
  const { url, headers, revoke } = endpoint.admit(session)
  let listed = false
  void session.listed.then(() => {
    listed = true
  })
  return {
    server: { type: 'http', name, url, headers },
    mode: servers.modes ? name : undefined,
    calls,
    modelName(clientName) {
      const known = named.nameOf(clientName)
      return known === undefined ? undefined : `${name}_${known}`
    },
    // Both agents open a session all the same where they cannot reach a server, and its model has no tools.
    async requireListed() {
      await within(LISTED_MS, session.listed)
      if (!listed)
        throw new ClinvkError('agent_protocol', `${backend} did not take the tools of the conversation.`, {
          details: { backend },
        })
    },
    close() {
      revoke()
      calls.drop()
      release()
    },
  }
}
