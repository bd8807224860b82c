import type { Task } from '../../../engine/orchestrate/types.ts'
import { fromPromptRequest } from '../from-request.ts'
import type { TaskBody } from './schema.ts'

/**
 * Translates one of several prompts.
 *
 * @throws `invalid_request` for what its schema cannot say.
 */
export function fromTask(body: Omit<TaskBody, 'output_format'>, wholeIsDryRun: boolean): Task {
  return { request: fromPromptRequest(body), dryRun: wholeIsDryRun || body.dry_run === true }
}
