import type { RequestPermissionOutcome } from '@agentclientprotocol/sdk'
import { type Fields, fields, items, word } from '../fields.ts'
import type { SessionOptions } from '../types.ts'

/** What is answered to `session/request_permission`, and why. */
export interface Verdict {
  readonly outcome: RequestPermissionOutcome
  readonly decision: 'allowed' | 'denied'
  /** For people: which option would change it. */
  readonly reason: string
}

/** What a decision depends on. */
export interface Rules extends Pick<SessionOptions, 'approvalMode' | 'sandboxMode' | 'allowedTools'> {
  /** Whether writing to a path stays in the working directory and makes no program run. */
  isOwnFile(path: string): Promise<boolean>
}

/**
 * Decides what the agent asks for. Kinds are the protocol's: read, edit, delete, move, search, execute, think,
 * fetch, switch_mode, other.
 */
export async function decide(request: Fields, rules: Rules): Promise<Verdict> {
  const call = fields(request['toolCall'])
  const allowance = await judge(call, rules)
  if (allowance.denied === undefined) {
    const option = optionOf(request, ['allow_once', 'allow_always'])
    if (option !== undefined)
      return {
        outcome: { outcome: 'selected', optionId: option },
        decision: 'allowed',
        reason: allowance.reason,
      }
  }
  const option = optionOf(request, ['reject_once', 'reject_always'])
  return {
    outcome: option === undefined ? { outcome: 'cancelled' } : { outcome: 'selected', optionId: option },
    decision: 'denied',
    reason: allowance.denied ?? 'The agent offered no way to allow it.',
  }
}

/** Allows what is asked for, this once where that can be said. */
export function allow(request: Fields): RequestPermissionOutcome {
  const optionId = optionOf(request, ['allow_once', 'allow_always'])
  return optionId === undefined ? { outcome: 'cancelled' } : { outcome: 'selected', optionId }
}

const READING: ReadonlySet<string> = new Set(['read', 'search', 'think', 'fetch'])
const EDITING: ReadonlySet<string> = new Set(['edit', 'delete', 'move'])

type Allowance = { readonly denied?: undefined; readonly reason: string } | { readonly denied: string }

async function judge(call: Fields, rules: Rules): Promise<Allowance> {
  const { approvalMode, sandboxMode, allowedTools } = rules
  const kind = word(call['kind']) ?? 'other'
  const ownEdit = EDITING.has(kind) && (await touchesOnly(call, rules))
  if (sandboxMode === 'read-only' && !READING.has(kind))
    return { denied: 'sandbox_mode "read-only" lets nothing be changed or run.' }
  if (sandboxMode === 'workspace' && !READING.has(kind) && !ownEdit)
    return { denied: 'sandbox_mode "workspace" lets only files in the working directory be edited.' }
  if (approvalMode === 'always')
    return { denied: 'approval_mode "always" asks for every action, and nobody can be asked here.' }
  if (approvalMode === 'none') return { reason: 'approval_mode "none" approves everything.' }
  // Under these two the agent itself refuses what is not listed, and asks only so that we see the path.
  if (allowedTools && sandboxMode === 'workspace') return { reason: 'allowed_tools has it.' }
  if (approvalMode === 'auto' && ownEdit)
    return { reason: 'approval_mode "auto" approves edits in the working directory.' }
  return {
    denied: `Nobody can be asked here. approval_mode ${ownEdit ? '"auto" or "none"' : '"none"'} would allow it.`,
  }
}

/** Whether every place that a call names is ours; one that names none may go anywhere. */
async function touchesOnly(call: Fields, { isOwnFile }: Rules): Promise<boolean> {
  const diffs = items(call['content']).filter(({ type }) => type === 'diff')
  const paths = [...items(call['locations']), ...diffs].map(({ path }) => word(path))
  if (paths.length === 0) return false
  const own = await Promise.all(paths.map((path) => path !== undefined && isOwnFile(path)))
  return !own.includes(false)
}

function optionOf(request: Fields, kinds: readonly string[]): string | undefined {
  const options = items(request['options'])
  for (const kind of kinds) {
    const found = word(options.find((option) => option['kind'] === kind)?.['optionId'])
    if (found !== undefined) return found
  }
  return undefined
}
