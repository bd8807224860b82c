import { type Fields, fields } from '../fields.ts'
import type { SessionOptions } from '../types.ts'
import { offerTools } from './client-tools.ts'

/**
 * Makes the model call a tool, by variables of the process. Claude Code 2.1.330 adds `CLAUDE_CODE_EXTRA_BODY` to every
 * request of its own, so a process is good for one answer with calls: in the next one they would be forced again.
 *
 * The provider refuses a forced call of a model that thinks.
 */
export function choiceEnv(
  options: SessionOptions,
  env: Readonly<Record<string, string>>,
): Record<string, string> {
  const { toolChoice } = options
  if (toolChoice === undefined) return {}
  const choice =
    toolChoice === 'required'
      ? { type: 'any' }
      : { type: 'tool', name: offerTools(options).inside(toolChoice.name) }
  const body = { ...extraBody(env), tool_choice: choice }
  return { CLAUDE_CODE_EXTRA_BODY: JSON.stringify(body), MAX_THINKING_TOKENS: '0' }
}

/** What the operator adds. */
function extraBody(env: Readonly<Record<string, string>>): Fields {
  try {
    return fields(JSON.parse(env['CLAUDE_CODE_EXTRA_BODY'] ?? '{}'))
  } catch {
    return {}
  }
}
