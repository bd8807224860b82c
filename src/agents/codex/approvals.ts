import { lstat, realpath } from 'node:fs/promises'
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { RpcError } from '../../process/json-rpc.ts'
import { type Fields, fields, word, words } from '../fields.ts'
import type { ApprovalMode, SandboxMode, TurnEvent } from '../types.ts'

/** What an approval is decided by. */
export interface Rules {
  readonly approvalMode: ApprovalMode
  readonly sandboxMode: SandboxMode
  readonly workdir: string
}

/** An answer to the app-server, and what is shown of it. */
export interface Answer {
  readonly result: Record<string, unknown>
  readonly event?: TurnEvent & { readonly type: 'approval' }
}

/**
 * Answers a request of the app-server; a turn waits until that is done. A refusal is `decline`, which lets the
 * turn go on, although Codex offers only `accept` and `cancel` for a command.
 *
 * @param changesOf the file changes of an item that was announced before.
 * @throws RpcError for what is none of our business.
 */
export async function answerRequest(
  method: string,
  params: Fields,
  rules: Rules,
  changesOf: (itemId: string) => readonly Fields[] = () => [],
): Promise<Answer> {
  switch (method) {
    case 'item/commandExecution/requestApproval': {
      const verdict = judgeCommand(params, rules)
      return { result: decision(verdict), event: toEvent('shell', params, verdict) }
    }
    case 'item/fileChange/requestApproval': {
      const verdict = await judgeFileChange(params, changesOf(word(params['itemId']) ?? ''), rules)
      return { result: decision(verdict), event: toEvent('apply_patch', params, verdict) }
    }
    case 'item/permissions/requestApproval': {
      const verdict = judgeWider(rules)
      return {
        result: { permissions: verdict.allowed ? granted(params) : {}, scope: 'turn' },
        event: toEvent('request_permissions', params, verdict),
      }
    }
    case 'mcpServer/elicitation/request': {
      const verdict = judgeMcpTool(params, rules)
      const action = verdict.allowed ? 'accept' : 'decline'
      return {
        result: { action, content: verdict.allowed ? {} : null, _meta: null },
        event: toEvent(mcpToolName(params), params, verdict),
      }
    }
    case 'item/tool/requestUserInput':
      return { result: { answers: {} }, event: toEvent('request_user_input', params, NOBODY_TO_ASK) }
    case 'item/tool/call':
      return {
        result: { success: false, contentItems: [{ type: 'inputText', text: 'There is no such tool.' }] },
      }
    default:
      throw new RpcError(METHOD_NOT_FOUND, `clinvk does not answer ${method}.`)
  }
}

/** Whether a path is inside a folder, symbolic links followed as far as the path exists. */
export async function isInside(folder: string, path: string): Promise<boolean> {
  const absolute = resolve(folder, path)
  for (let existing = absolute; ; existing = dirname(existing)) {
    // A link that leads nowhere exists too: what is written through it lands there.
    if (!(await lstat(existing).catch(() => undefined)) && existing !== dirname(existing)) continue
    const real = await realpath(existing).catch(() => undefined)
    if (real === undefined) return false
    const rest = relative(folder, join(real, relative(existing, absolute)))
    return rest !== '..' && !rest.startsWith(`..${sep}`) && !isAbsolute(rest)
  }
}

interface Verdict {
  readonly allowed: boolean
  readonly reason: string
}

const METHOD_NOT_FOUND = -32601
const APPROVED: Verdict = { allowed: true, reason: 'approval_mode "none" approves everything.' }
const NOBODY_TO_ASK: Verdict = { allowed: false, reason: 'Nobody can be asked for an answer here.' }
const DENIED: Verdict = {
  allowed: false,
  reason: 'Nobody can be asked for approval. approval_mode "none" would allow it.',
}

function judgeCommand(params: Fields, rules: Rules): Verdict {
  // Wider rights for one command, the network included, lead out of the sandbox.
  const wider = params['additionalPermissions'] ?? params['networkApprovalContext'] ?? undefined
  return wider === undefined ? judge(rules) : judgeWider(rules)
}

function judge({ approvalMode }: Rules): Verdict {
  return approvalMode === 'none' ? APPROVED : DENIED
}

function judgeWider(rules: Rules): Verdict {
  return isConfined(rules) ? forbidden(rules) : judge(rules)
}

async function judgeFileChange(params: Fields, changes: readonly Fields[], rules: Rules): Promise<Verdict> {
  if (rules.sandboxMode === 'read-only') return forbidden(rules)
  const { approvalMode } = rules
  if (approvalMode === 'always' || approvalMode === 'default') {
    const easier = approvalMode === 'default' ? '"auto" (inside the working directory) or "none"' : '"none"'
    return {
      allowed: false,
      reason: `Nobody can be asked for approval. approval_mode ${easier} would allow it.`,
    }
  }
  if (approvalMode === 'none' && !isConfined(rules)) return APPROVED
  const paths = changes.flatMap((change) => [change['path'], fields(change['kind'])['move_path']])
  const known = words(paths)
  const inside =
    known.length > 0 &&
    word(params['grantRoot']) === undefined &&
    (await Promise.all(known.map((path) => isInside(rules.workdir, path)))).every(Boolean)
  if (!inside) return isConfined(rules) ? forbidden(rules) : outside
  return approvalMode === 'none'
    ? APPROVED
    : { allowed: true, reason: 'approval_mode "auto" approves file edits inside the working directory.' }
}

const outside: Verdict = {
  allowed: false,
  reason: 'approval_mode "auto" approves file edits inside the working directory only.',
}

/** MCP servers run outside of the sandbox, so read-only forbids what they do unless they say that they only read. */
function judgeMcpTool(params: Fields, rules: Rules): Verdict {
  const meta = fields(params['_meta'])
  if (word(meta['codex_approval_kind']) === undefined) return NOBODY_TO_ASK
  const onlyReads = fields(meta['tool_annotations'])['readOnlyHint'] === true
  return rules.sandboxMode === 'read-only' && !onlyReads ? forbidden(rules) : judge(rules)
}

function isConfined({ sandboxMode }: Rules): boolean {
  return sandboxMode === 'read-only' || sandboxMode === 'workspace'
}

function forbidden({ sandboxMode }: Rules): Verdict {
  return { allowed: false, reason: `sandbox_mode "${sandboxMode}" forbids it.` }
}

function decision({ allowed }: Verdict): Record<string, unknown> {
  return { decision: allowed ? 'accept' : 'decline' }
}

function granted(params: Fields): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields(params['permissions'])).filter(([, value]) => value !== null),
  )
}

function mcpToolName(params: Fields): string {
  const server = word(params['serverName']) ?? 'mcp'
  const tool = word(fields(params['_meta'])['tool_name'])
  return tool === undefined ? server : `${server}.${tool}`
}

function toEvent(
  tool: string,
  params: Fields,
  { allowed, reason }: Verdict,
): TurnEvent & { type: 'approval' } {
  const toolId = word(params['itemId'])
  const asked = word(params['reason'])
  return {
    type: 'approval',
    ...(toolId === undefined ? {} : { toolId }),
    tool,
    decision: allowed ? 'allowed' : 'denied',
    reason: asked === undefined ? reason : `${reason} Codex asked: ${asked}`,
  }
}
