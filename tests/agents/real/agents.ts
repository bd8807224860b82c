import type { Reply } from '../../support/mock-provider/index.ts'

/** What the tests need to know of a real agent to ask every one of them the same things. */
export interface RealAgent {
  readonly name: 'claude' | 'codex' | 'gemini' | 'opencode'
  /** A model name to ask for that the mock serves. */
  readonly model: string
  /** Models reach the provider under this name. */
  readonly modelSent: (model: string) => string
  /** What the provider calls a call that writes `text` to `path`. */
  readonly write: (path: string, text: string) => NonNullable<Reply['toolCalls']>[number]
  /** A call that only reads. */
  readonly read: (path: string) => NonNullable<Reply['toolCalls']>[number]
  /** It tells which tokens came from a cache, and which were thinking. */
  readonly tells: { readonly cached: boolean; readonly reasoning: boolean }
}

/** The agents that every release has to work with. */
export const REAL_AGENTS: readonly RealAgent[] = [
  {
    name: 'claude',
    model: 'claude-sonnet-4-5',
    modelSent: (model) => model,
    write: (path, text) => ({ name: 'Write', input: { file_path: path, content: text } }),
    read: (path) => ({ name: 'Read', input: { file_path: path } }),
    tells: { cached: true, reasoning: true },
  },
  {
    name: 'codex',
    model: 'gpt-5-codex',
    modelSent: (model) => model,
    write: (path, text) => ({
      name: 'exec_command',
      input: { cmd: `printf '%s' '${text}' > '${path}'` },
    }),
    read: (path) => ({ name: 'exec_command', input: { cmd: `cat '${path}'` } }),
    tells: { cached: true, reasoning: true },
  },
  {
    name: 'gemini',
    model: 'gemini-2.5-flash',
    modelSent: (model) => model,
    write: (path, text) => ({ name: 'write_file', input: { file_path: path, content: text } }),
    read: (path) => ({ name: 'read_file', input: { file_path: path } }),
    tells: { cached: false, reasoning: false },
  },
  {
    name: 'opencode',
    model: 'mock/m1',
    modelSent: () => 'm1',
    write: (path, text) => ({ name: 'write', input: { filePath: path, content: text } }),
    read: (path) => ({ name: 'read', input: { filePath: path } }),
    tells: { cached: true, reasoning: false },
  },
]
