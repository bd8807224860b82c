import { ClinvkError } from '../../errors.ts'
import type { Folders, Place } from '../../process/folders.ts'
import { type Backend, chooseBackend } from '../backends.ts'
import { type Conversation, sameOptions } from '../conversations.ts'
import { compileSchema, type SchemaCheck } from '../json-schema.ts'
import { type ResolvedOptions, resolveOptions } from '../options.ts'
import type { TurnRequest } from '../types.ts'

/** A request that was checked, with where it goes and what it is under all defaults. */
export interface Prepared {
  /** The session that it names. */
  readonly known: Conversation | undefined
  readonly backend: Backend
  readonly options: ResolvedOptions
  /** Absent: a scratch folder. */
  readonly workdir: string | undefined
  /** Present where the answer is to be JSON. */
  readonly check?: SchemaCheck
}

/** What a request is checked against. */
export interface PrepareSetup {
  readonly backends: readonly Backend[]
  readonly defaultBackend: string | undefined
  readonly folders: Pick<Folders, 'resolve'>
  /** The session that a request names. @throws `session_not_found`, `backend_not_found` */
  readonly recall: (id: string) => Conversation
}

/** Checks everything of a request that can be checked before there is anything of it. @throws as {@link Engine.start} */
export function createPrepare({ backends, defaultBackend, folders, recall }: PrepareSetup) {
  return async (request: TurnRequest): Promise<Prepared> => {
    const known = request.sessionId === undefined ? undefined : recall(request.sessionId)
    const named = request.backend ?? known?.driver.name
    const backend = await chooseBackend(backends, named, defaultBackend)
    if (known && known.driver !== backend.driver)
      throw new ClinvkError(
        'invalid_request',
        `Session "${known.id}" belongs to the backend ${known.driver.name}, not to ${backend.driver.name}.`,
        { details: { option: 'backend' } },
      )
    const options = resolveOptions(request, backend.driver, backend.defaults, known?.options)
    const check = request.answer && (await compileSchema(request.answer.schema))
    if (known && (request.history ?? []).length > 0)
      throw new ClinvkError(
        'invalid_request',
        `Session "${known.id}" has its own history. Leave the earlier messages out, or start a new session.`,
      )
    const workdir =
      request.scratch || known?.scratch ? undefined : await folders.resolve(request.workdir ?? known?.workdir)
    if (known && request.workdir !== undefined && known.workdir !== workdir)
      throw new ClinvkError(
        'invalid_request',
        `Session "${known.id}" works in ${known.workdir}. A session cannot change its folder.`,
        { details: { option: 'workdir' } },
      )
    return { known, backend, options, workdir, ...(check ? { check } : {}) }
  }
}

/** Whether a conversation is with the same agent, in the same folder, under the same options. */
export function isSameKind(
  conversation: Conversation,
  { backend, options, workdir }: Pick<Prepared, 'backend' | 'options' | 'workdir'>,
): boolean {
  return (
    conversation.driver === backend.driver &&
    (workdir === undefined ? conversation.scratch : conversation.workdir === workdir) &&
    sameOptions(conversation.options, options)
  )
}

/** Where a conversation works: a folder that is there, or a fresh one that goes with it. */
export async function makePlace(
  folders: Pick<Folders, 'scratch'>,
  { workdir }: Pick<Prepared, 'workdir'>,
): Promise<Place> {
  return workdir === undefined ? await folders.scratch() : lastingPlace(workdir)
}

/** A folder that is not ours to remove. */
export function lastingPlace(workdir: string): Place {
  return { workdir, scratch: false, cleanUp: async () => {} }
}
