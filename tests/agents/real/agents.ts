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
  /** What it tells of what the provider told it. */
  readonly tells: {
    /** Which tokens came from a cache. */
    readonly cached: boolean
    /** Which tokens were thinking; one that does not leaves them out of the output as well. */
    readonly reasoning: boolean
    /** What a tool that only reads has read. */
    readonly reading: boolean
    /** The provider's own words with a 429. */
    readonly rateLimit: boolean
    /** That it tries again by itself. */
    readonly retries: boolean
  }
  /** Seconds that a refusing provider asks it to wait: long waits are its own affair, not a test's. */
  readonly retryAfter: number
}

/** The agents that every release has to work with. */
export const REAL_AGENTS: readonly RealAgent[] = [
  {
    name: 'claude',
    model: 'claude-sonnet-4-5',
    modelSent: (model) => model,
    write: (path, text) => ({ name: 'Write', input: { file_path: path, content: text } }),
    read: (path) => ({ name: 'Read', input: { file_path: path } }),
    tells: { cached: true, reasoning: true, reading: true, rateLimit: true, retries: true },
    retryAfter: 1,
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
    tells: { cached: true, reasoning: true, reading: true, rateLimit: false, retries: true },
    retryAfter: 1,
  },
  {
    name: 'gemini',
    model: 'gemini-2.5-flash',
    modelSent: (model) => model,
    write: (path, text) => ({ name: 'write_file', input: { file_path: path, content: text } }),
    read: (path) => ({ name: 'read_file', input: { file_path: path } }),
    tells: { cached: false, reasoning: false, reading: false, rateLimit: true, retries: false },
    retryAfter: 1,
  },
  {
    name: 'opencode',
    model: 'mock/m1',
    modelSent: () => 'm1',
    write: (path, text) => ({ name: 'write', input: { filePath: path, content: text } }),
    read: (path) => ({ name: 'read', input: { filePath: path } }),
    tells: { cached: true, reasoning: true, reading: true, rateLimit: true, retries: false },
    retryAfter: 0.01,
  },
]
