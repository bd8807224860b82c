import { RpcError } from '../../process/json-rpc.ts'
import { fields, items, word } from '../fields.ts'
import type { SessionOptions } from '../types.ts'
import type { AppServer } from './app-server.ts'

/**
 * The configuration that a thread overrides where names have to be known first: MCP servers and skills that a profile
 * leaves out, and MCP servers whose tools `always` has to be asked for. Results of the client's tools are not cut.
 * `undefined` where there is nothing to override.
 */
export async function threadConfig(
  server: Pick<AppServer, 'request'>,
  options: SessionOptions,
): Promise<Record<string, unknown> | undefined> {
  const changes = { ...(await byName(server, options)), ...wholeResults(options) }
  return Object.keys(changes).length === 0 ? undefined : changes
}

/**
 * Codex cuts the middle out of results, those in the history too, to what its catalog says of the model, 10 000 tokens
 * or less (0.169.0). Clients know what they send.
 */
function wholeResults({ history = [], clientTools = [] }: SessionOptions): Record<string, unknown> {
  return history.length + clientTools.length === 0 ? {} : { tool_output_token_limit: 1_000_000 }
}

async function byName(
  server: Pick<AppServer, 'request'>,
  options: SessionOptions,
): Promise<Record<string, unknown>> {
  const { workdir: cwd, profile = 'full', approvalMode } = options
  if (profile === 'full' && approvalMode !== 'always') return {}
  const { config, layers } = await server.request('config/read', { cwd, includeLayers: true })
  const folders = items(layers).filter((layer) => word(fields(layer['name'])['type']) === 'project')
  const ofFolder = new Set(folders.flatMap((layer) => mcpServers(layer['config'])))
  const isKept = (name: string) => profile === 'full' || (profile === 'project' && ofFolder.has(name))
  const changeOf = (name: string) => {
    if (!isKept(name)) return { enabled: false }
    return approvalMode === 'always' ? { default_tools_approval_mode: 'prompt' } : undefined
  }
  const servers = mcpServers(config)
    .map((name) => [name, changeOf(name)] as const)
    .filter(([, change]) => change !== undefined)
  return {
    ...(servers.length > 0 ? { mcp_servers: Object.fromEntries(servers) } : {}),
    ...(profile === 'project' ? await withoutUsersSkills(server, cwd) : {}),
    // "untrusted" would let it go unasked.
    ...(approvalMode === 'always' ? { web_search: 'disabled' } : {}),
  }
}

function mcpServers(config: unknown): string[] {
  return Object.keys(fields(fields(config)['mcp_servers']))
}

/** Skills of the user's own lie in more than one place. A version that cannot tell them apart tells the model of none. */
async function withoutUsersSkills(
  server: Pick<AppServer, 'request'>,
  cwd: string,
): Promise<Record<string, unknown>> {
  try {
    const { data } = await server.request('skills/list', { cwds: [cwd] })
    const skills = items(data).flatMap((entry) => items(entry['skills']))
    const own = skills.filter(({ scope }) => scope === 'user').flatMap(({ path }) => word(path) ?? [])
    return own.length === 0 ? {} : { skills: { config: own.map((path) => ({ path, enabled: false })) } }
  } catch (error) {
    if (!(error instanceof RpcError)) throw error
    return { skills: { include_instructions: false } }
  }
}
