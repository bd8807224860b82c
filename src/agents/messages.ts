import type { InputPart } from './types.ts'

/** How much of the user's own set-up an agent brings along. */
export type AgentProfile =
  /** A model call: no tools, settings, hooks, plugins or MCP servers; a system prompt replaces the agent's. */
  | 'pure'
  /** The agent with its tools and what the folder sets up, without the user's own settings. */
  | 'project'
  /** The agent as its user runs it. */
  | 'full'

/** How hard the model should think. Agents have their own scales; the nearest step is taken. */
export type Effort = 'none' | 'minimal' | 'low' | 'medium' | 'high' | 'xhigh' | 'max'

/** A tool call that an earlier answer made. `input` is any JSON. */
export interface HistoryToolCall {
  readonly id: string
  readonly name: string
  readonly input: unknown
}

/** What a tool gave back to a call. */
export interface ToolResult {
  readonly role: 'tool'
  readonly callId: string
  readonly parts: readonly InputPart[]
  readonly isError: boolean
}

/**
 * An earlier message of a conversation, in order, the roles as the model knows them. Tool results stand where they
 * were given, each after the answer that made its call.
 */
export type HistoryMessage =
  | { readonly role: 'user'; readonly parts: readonly InputPart[] }
  | { readonly role: 'assistant'; readonly text: string; readonly toolCalls: readonly HistoryToolCall[] }
  | ToolResult
