import { ClinvkError } from '../../errors.ts'
import { invalidFields } from '../validate.ts'
import type { MessagesRequest } from './schema.ts'

/**
 * Refuses what would change the meaning of the answer and cannot be done.
 *
 * @throws `unsupported_option`
 */
export function refuseUnsupported(body: MessagesRequest): void {
  if (isList(body.mcp_servers)) throw unsupported('mcp_servers', 'are not supported: leave them out.')
  if (isThere(body.container)) throw unsupported('container', 'is not supported: leave it out.')
  if (isThere(body.thread))
    throw unsupported(THREAD, 'is not supported: leave it out, and send the whole conversation.')
}

/** The field of a conversation that the server holds. */
export const THREAD = 'thread'

/** An option that this API has and we don't; `path` is the field. */
export function unsupported(path: string, message: string): ClinvkError {
  return new ClinvkError('unsupported_option', `${path} ${message}`, { details: { option: path } })
}

/** A field with a wrong value. */
export function wrongField(path: string, message: string): ClinvkError {
  return invalidFields([{ path, message }])
}

function isList(value: readonly unknown[] | null | undefined): boolean {
  return value !== undefined && value !== null && value.length > 0
}

function isThere(value: unknown): boolean {
  return value !== undefined && value !== null
}
