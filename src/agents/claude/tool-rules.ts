import { homedir } from 'node:os'
import { join } from 'node:path'
import { ClinvkError } from '../../errors.ts'
import { type Fields, word } from '../fields.ts'
import { realPlace } from '../places.ts'

/** One entry of `allowed_tools`: a tool, and which of its calls. */
export interface ToolRule {
  /** Name of a tool, an MCP server (`mcp__name`) or a pattern with `*`. */
  readonly tool: string
  readonly covers: (input: Fields, workdir: string) => Promise<boolean>
}

/**
 * Reads entries as Claude Code writes them: `Read`, `mcp__server__tool`, `Bash(git *)`, `Edit(src/**)`,
 * `WebFetch(domain:example.com)`. Matching is ours, and stricter: a shell command has to be a single one.
 *
 * @throws `unsupported_option` for a pattern of a tool that we can't check.
 */
export function parseToolRules(entries: readonly string[]): readonly ToolRule[] {
  return entries.map((entry) => {
    const [, tool, pattern] = /^([\w.*-]+)(?:\((.*)\))?$/s.exec(entry.trim()) ?? []
    if (tool === undefined) throw unsupported(entry, 'It is no tool name.')
    if (pattern === undefined || pattern === '*') return { tool, covers: async () => true }
    const matcher = matcherFor(tool, pattern)
    if (!matcher)
      throw unsupported(
        entry,
        'Patterns can be checked for Bash, file tools, WebFetch and Task; name the tool alone.',
      )
    return { tool, covers: matcher }
  })
}

/** Whether a rule is about a tool, whichever of its names either uses. */
export function isAbout(rule: ToolRule, tool: string): boolean {
  return namesOf(tool).some(
    (name) =>
      rule.tool === name ||
      (rule.tool.startsWith('mcp__') && name.startsWith(`${rule.tool}__`)) ||
      (rule.tool.includes('*') && wildcard(rule.tool).test(name)),
  )
}

/** A tool's name and its older or newer one: the CLI lists `Task` and asks about `Agent`. */
export function namesOf(tool: string): readonly string[] {
  if (tool === 'Agent') return ['Agent', 'Task']
  return tool === 'Task' ? ['Task', 'Agent'] : [tool]
}

/** The path that a file tool's call is about, as the model wrote it. */
export function pathOf(input: Fields): string | undefined {
  return word(input['file_path']) ?? word(input['notebook_path']) ?? word(input['path'])
}

const FILE_TOOLS: ReadonlySet<string> = new Set([
  'Read',
  'Edit',
  'MultiEdit',
  'Write',
  'NotebookEdit',
  'NotebookRead',
  'Glob',
  'Grep',
  'LS',
])

// What a shell might read as more than one command, or as another than it seems to be.
const MORE_THAN_ONE_COMMAND = /[;&|<>`$(){}\\\r\n]/

function matcherFor(tool: string, pattern: string): ToolRule['covers'] | undefined {
  if (tool === 'Bash') {
    const command = commandPattern(pattern)
    return async (input) => {
      const line = word(input['command'])?.trim() ?? ''
      return !MORE_THAN_ONE_COMMAND.test(line) && command.test(line)
    }
  }
  if (FILE_TOOLS.has(tool)) {
    return async (input, workdir) => {
      const place = await realPlace(pathOf(input) ?? workdir)
      return place !== undefined && pathPattern(pattern, workdir).test(place)
    }
  }
  if (tool === 'WebFetch' && pattern.startsWith('domain:')) {
    const host = wildcard(pattern.slice('domain:'.length).toLowerCase())
    return async (input) => host.test(hostOf(word(input['url'])) ?? '')
  }
  if (namesOf(tool).includes('Task')) return async (input) => input['subagent_type'] === pattern
  return undefined
}

/** `git:*` and `git *` cover `git` with and without arguments. */
function commandPattern(pattern: string): RegExp {
  const start = /^(.*?)(?::\*| \*)$/s.exec(pattern)?.[1]
  return start === undefined ? wildcard(pattern) : new RegExp(`^${escaped(start)}(?: .*)?$`, 's')
}

/** Paths as in a gitignore: `//` is the root, `~/` home, everything else is of the working directory. */
function pathPattern(pattern: string, workdir: string): RegExp {
  const path = pattern.startsWith('//')
    ? pattern.slice(1)
    : pattern.startsWith('~/')
      ? join(homedir(), pattern.slice(2))
      : join(workdir, pattern.includes('/') ? pattern : `**/${pattern}`)
  const parts = path.split(/(\*\*\/|\*\*|\*|\?)/)
  return new RegExp(`^${parts.map((part) => GLOB[part] ?? escaped(part)).join('')}$`, 's')
}

const GLOB: Readonly<Record<string, string>> = { '**/': '(?:.*/)?', '**': '.*', '*': '[^/]*', '?': '[^/]' }

function wildcard(pattern: string): RegExp {
  return new RegExp(`^${pattern.split('*').map(escaped).join('.*')}$`, 's')
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}

function hostOf(url: string | undefined): string | undefined {
  return url !== undefined && URL.canParse(url) ? new URL(url).hostname : undefined
}

function unsupported(entry: string, why: string): ClinvkError {
  return new ClinvkError('unsupported_option', `allowed_tools: "${entry}" can't be honoured. ${why}`)
}
