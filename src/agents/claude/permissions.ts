import type { Fields } from '../fields.ts'
import { isInside, realPlace, runsPrograms } from '../places.ts'
import type { SessionOptions } from '../types.ts'
import { isAbout, namesOf, parseToolRules, pathOf } from './tool-rules.ts'

/** A tool that the model wants to use. */
interface ToolCall {
  readonly tool: string
  readonly input: Fields
}

/** What is to happen with a call. `leave`: Claude Code decides by its own rules, and may ask. */
export interface Verdict {
  readonly decision: 'allow' | 'deny' | 'leave'
  /** For people: why, and which option would change it. */
  readonly reason: string
}

/**
 * What a session's tools may do. It speaks twice: before every call (a `PreToolUse` hook, which the user's own
 * allow rules can't pass by) and when Claude Code asks for permission.
 */
export interface Policy {
  /** The built-in tools to offer to the model; `undefined` for all. */
  readonly tools: readonly string[] | undefined
  /** Whether {@link Policy.before} has anything to say, so that a hook is worth its round trip. */
  readonly hooked: boolean
  /** Whether calls that were allowed without being asked for are to be shown as approvals. */
  readonly showsAllowed: boolean
  before(call: ToolCall): Promise<Verdict>
  asked(call: ToolCall): Promise<Verdict>
}

/** @throws `unsupported_option` for an entry of `allowedTools` that can't be checked. */
export function createPolicy(options: SessionOptions): Policy {
  const { approvalMode, sandboxMode, workdir } = options
  const rules = options.allowedTools === undefined ? undefined : parseToolRules(options.allowedTools)

  const before = async (call: ToolCall): Promise<Verdict> => {
    const refusal = await ceiling(call, options)
    if (refusal !== undefined) return deny(refusal)
    if (approvalMode === 'always')
      return deny('approval_mode "always" asks for every action, and nobody can be asked here.')
    if (rules) {
      for (const rule of rules)
        if (isAbout(rule, call.tool) && (await rule.covers(call.input, workdir)))
          return { decision: 'allow', reason: `allowed_tools has ${rule.tool}.` }
      return deny('allowed_tools does not have it.')
    }
    if (approvalMode === 'none')
      return { decision: 'allow', reason: 'approval_mode "none" approves everything.' }
    return { decision: 'leave', reason: '' }
  }

  return {
    tools: offered(options),
    hooked:
      rules !== undefined ||
      approvalMode === 'always' ||
      approvalMode === 'none' ||
      sandboxMode === 'read-only' ||
      sandboxMode === 'workspace',
    showsAllowed: approvalMode === 'none',
    before,
    async asked(call) {
      const verdict = await before(call)
      if (verdict.decision !== 'leave') return verdict
      const harmless = await isWorkspaceEdit(call, workdir)
      if (harmless && approvalMode === 'auto')
        return { decision: 'allow', reason: 'approval_mode "auto" approves edits in the working directory.' }
      return deny(
        harmless
          ? 'Nobody can be asked here. approval_mode "auto" or "none" would allow it.'
          : 'Nobody can be asked here. approval_mode "none" would allow it.',
      )
    },
  }
}

const EDIT_TOOLS: readonly string[] = ['Edit', 'MultiEdit', 'Write', 'NotebookEdit']

/** Built-in tools that change nothing but the agent's own notes. */
const READ_TOOLS: readonly string[] = [
  'Read',
  'Glob',
  'Grep',
  'LS',
  'NotebookRead',
  'WebFetch',
  'WebSearch',
  'Task',
  'TodoWrite',
  'TaskCreate',
  'TaskGet',
  'TaskList',
  'TaskUpdate',
  'ToolSearch',
]

/**
 * Why a call is beyond the sandbox, or `undefined`. Under a ceiling only tools count of which we know what they
 * do; a shell is none of them: Claude Code's own sandbox for it can be opened by the user's settings
 * (`sandbox.excludedCommands`), which can't be told from here.
 */
async function ceiling({ tool, input }: ToolCall, options: SessionOptions): Promise<string | undefined> {
  const { sandboxMode, workdir } = options
  if (sandboxMode === 'default' || sandboxMode === 'full') return undefined
  if (namesOf(tool).some((name) => READ_TOOLS.includes(name)))
    // A sub-agent's calls come by here as well, but a worktree of its own would be written without a call.
    return input['isolation'] === undefined
      ? undefined
      : `sandbox_mode "${sandboxMode}" lets nothing be checked out.`
  if (sandboxMode === 'read-only' || !EDIT_TOOLS.includes(tool))
    return `sandbox_mode "${sandboxMode}" does not let ${tool} run.`
  return (await isWorkspaceEdit({ tool, input }, workdir))
    ? undefined
    : 'sandbox_mode "workspace" lets files be edited in the working directory only, and none that make programs run.'
}

async function isWorkspaceEdit({ tool, input }: ToolCall, workdir: string): Promise<boolean> {
  const path = EDIT_TOOLS.includes(tool) ? pathOf(input) : undefined
  const place = path === undefined ? undefined : await realPlace(path)
  return place !== undefined && isInside(workdir, place) && !runsPrograms(workdir, place)
}

/** What is worth offering: a model that sees a tool will try it. */
function offered({ sandboxMode, approvalMode, allowedTools }: SessionOptions): readonly string[] | undefined {
  const ceilings: Partial<Record<typeof sandboxMode, readonly string[]>> = {
    'read-only': READ_TOOLS,
    workspace: [...READ_TOOLS, ...EDIT_TOOLS],
  }
  const ceiling = ceilings[sandboxMode]
  if (approvalMode === 'always' || allowedTools === undefined) return ceiling
  const rules = parseToolRules(allowedTools)
  if (ceiling) return ceiling.filter((tool) => rules.some((rule) => isAbout(rule, tool)))
  const names = rules.map(({ tool }) => tool).filter((tool) => !tool.startsWith('mcp__'))
  return names.some((name) => name.includes('*')) ? undefined : [...new Set(names)]
}

function deny(reason: string): Verdict {
  return { decision: 'deny', reason }
}
