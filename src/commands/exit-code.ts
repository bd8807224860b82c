import type { ErrorCode } from '../errors.ts'

/** Exit codes of the command line. An agent's own are told in the message, never borrowed. */
export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 2,
  config: 3,
  session: 4,
  backend: 5,
  timeout: 6,
  cancelled: 7,
} as const

const BY_CODE: Partial<Record<ErrorCode, number>> = {
  invalid_request: EXIT.usage,
  unsupported_option: EXIT.usage,
  invalid_workdir: EXIT.usage,
  config_invalid: EXIT.config,
  session_not_found: EXIT.session,
  session_busy: EXIT.session,
  backend_not_found: EXIT.backend,
  backend_disabled: EXIT.backend,
  backend_not_installed: EXIT.backend,
  backend_not_ready: EXIT.backend,
  agent_crashed: EXIT.backend,
  timeout: EXIT.timeout,
  cancelled: EXIT.cancelled,
}

/** The exit code for an error of ours. */
export function exitCodeFor(code: ErrorCode): number {
  return BY_CODE[code] ?? EXIT.failure
}
