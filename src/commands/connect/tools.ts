import { nearest } from '../../config/nearest.ts'
import { AGENT_TOOLS } from './agents.ts'
import { CHAT_TOOLS } from './chats.ts'
import { LIBRARY_TOOLS } from './libraries.ts'
import type { Connection, Target, Tool } from './types.ts'

/** Every tool that settings are known for. */
export const TOOLS: readonly Tool[] = [...AGENT_TOOLS, ...CHAT_TOOLS, ...LIBRARY_TOOLS]

/** Names that people may try first. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  claude: 'claude-code',
  openwebui: 'open-webui',
  webui: 'open-webui',
  openai: 'openai-sdk',
  anthropic: 'anthropic-sdk',
  vercel: 'vercel-ai-sdk',
  'ai-sdk': 'vercel-ai-sdk',
  'continue.dev': 'continue',
}

/** The tool of this name, and where there is none the name that was probably meant. */
export function findTool(name: string): { readonly tool?: Tool; readonly meant?: string } {
  const wanted = name.toLowerCase()
  const tool = TOOLS.find((each) => each.name === wanted)
  if (tool) return { tool }
  const names = TOOLS.map((each) => each.name)
  const other = Object.hasOwn(OTHER_NAMES, wanted) ? OTHER_NAMES[wanted] : undefined
  const meant = other ?? names.find((each) => each.startsWith(wanted)) ?? nearest(wanted, names)
  return meant === undefined ? {} : { meant }
}

/** A tool's settings for one server. */
export function toConnection(tool: Tool, target: Target): Connection {
  return {
    tool: tool.name,
    title: tool.title,
    url: target.url,
    model: target.model,
    needs_key: target.needsKey,
    pieces: [...tool.pieces(target)],
    check: tool.check(target),
    ...(tool.triedWith === undefined ? {} : { tried_with: tool.triedWith }),
    notes: [...(tool.notes?.(target) ?? [])],
  }
}

/** What was tried, in a sentence. */
export function triedSentence({ tried_with: tried }: Connection): string {
  return tried === undefined ? "Not tried: it follows the tool's documentation." : `Tried with ${tried}.`
}
