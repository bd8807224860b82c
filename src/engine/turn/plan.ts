import type { Plan } from '../types.ts'
import type { Prepared } from './prepare.ts'

/** What a request would do, as its sender is shown it. */
export function toPlan({ known, backend, options, workdir }: Prepared): Plan {
  return {
    backend: backend.driver.name,
    driver: backend.driver.driver,
    command: backend.command,
    ...(workdir === undefined ? { scratch: true } : { workdir }),
    ...(known ? { session_id: known.id } : {}),
    ...(options.model === undefined ? {} : { model: options.model }),
    approval_mode: options.approvalMode,
    sandbox_mode: options.sandboxMode,
    ephemeral: options.ephemeral,
    ...(options.systemPrompt === undefined ? {} : { system_prompt: options.systemPrompt }),
    ...(options.maxTurns === undefined ? {} : { max_turns: options.maxTurns }),
    ...(options.maxTokens === undefined ? {} : { max_tokens: options.maxTokens }),
    ...(options.allowedTools === undefined ? {} : { allowed_tools: options.allowedTools }),
    ...(options.extraFlags === undefined ? {} : { extra: options.extraFlags }),
  }
}
