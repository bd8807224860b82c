import { ClinvkError } from '../../../errors.ts'
import { callerOf } from '../../chat/caller.ts'
import { requireModel } from '../../chat/model-names.ts'
import { countChat } from '../../chat/run-chat.ts'
import { serveChat } from '../../chat/serve-chat.ts'
import type { ChatServices, ChunkWriter } from '../../chat/types.ts'
import { encodeSse } from '../../sse.ts'
import { OPENAI_HEADERS, toOpenAiErrorBody } from '../errors.ts'
import { samenessOf } from '../sameness.ts'
import type { InputTokens, ResponseEvent, ResponseObject } from './answer-schema.ts'
import type { CallForm } from './client-tools.ts'
import { fromResponsesRequest } from './from-request.ts'
import type { Run, Runs } from './runs.ts'
import type { CreateResponse } from './schema.ts'
import type { ResponseStore, StoredItem } from './store.ts'
import { createEventWriter, type EventWriter } from './to-events.ts'
import { createResponseObject, tellsThinking, toResponse } from './to-response.ts'

/** What is known of responses besides the one that is asked for. */
export interface Kept {
  readonly store: ResponseStore
  readonly runs: Runs
}

/** Names the endpoint for the replay guard. */
export const ENDPOINT = 'openai/responses'

/**
 * Makes one response, streamed or not. While it is made, it can be asked for and cancelled by its id.
 *
 * @throws ClinvkError for everything that fails before the first byte of the answer.
 */
export async function serveResponse(
  body: CreateResponse,
  request: Request,
  services: ChatServices,
  { store, runs }: Kept,
): Promise<Response> {
  const since = performance.now()
  const owner = await callerOf(request.headers)
  let input: readonly StoredItem[] = []
  const begun = createResponseObject(body, Date.now())
  let forms: ReadonlyMap<string, CallForm> = new Map()
  const told = { thinking: tellsThinking(body), formOf: (name: string) => forms.get(name) }
  const writer = createEventWriter(begun, told)
  const stop = new AbortController()
  let last: readonly ResponseEvent[] | undefined
  /** What its turn ends with when its client has left is told to nobody, and not kept. */
  let ended = false

  const settle = (response: ResponseObject): ResponseObject => {
    runs.remove(run)
    if (run.keep && !ended) store.put(owner, { response, input })
    return response
  }
  const run: Run = {
    id: begun.id,
    owner,
    keep: begun.store,
    response: () => writer.response(),
    cancel() {
      last = writer.cancelled()
      stop.abort(new ClinvkError('cancelled', 'The response was cancelled.'))
      return settle(writer.response())
    },
  }
  const forget = () => runs.remove(run)
  const headers = () => ({
    ...OPENAI_HEADERS,
    'openai-processing-ms': String(Math.round(performance.now() - since)),
  })

  runs.add(run)
  request.signal.addEventListener('abort', forget, { once: true })
  try {
    return await serveChat(
      {
        model: body.model,
        async toTurn(images) {
          const translated = await fromResponsesRequest(body, { ...knownTo(owner, store), images })
          input = translated.input
          forms = translated.forms
          return translated.turn
        },
        endpoint: ENDPOINT,
        sameness: samenessOf(body),
        toResponse: (result) => (last ? writer.response() : settle(toResponse(begun, result, told))),
        ...(body.stream ? { toStream: () => toChunkWriter(writer, settle, () => last) } : {}),
        toErrorBody(error) {
          forget()
          // A response that was cancelled is no failure: nobody may send the request again.
          return last ? writer.response() : toOpenAiErrorBody(error)
        },
        headers,
        signal: stop.signal,
      },
      request,
      {
        ...services,
        onStreamEnd(streamed) {
          ended = true
          forget()
          services.onStreamEnd(streamed)
        },
      },
    )
  } catch (error) {
    forget()
    if (last) return Response.json(writer.response(), { headers: headers() })
    throw error
  }
}

/**
 * Answers `POST /responses/input_tokens`.
 *
 * @throws what making the response would, and `unsupported_option` with the status 404 where the backend cannot count.
 */
export async function countInput(
  body: CreateResponse,
  request: Request,
  { engine, chat, images, shutdown }: ChatServices,
  { store }: Kept,
): Promise<InputTokens> {
  requireModel(body.model, await engine.backends(), chat.model_aliases)
  const owner = await callerOf(request.headers)
  const translated = await fromResponsesRequest(body, { ...knownTo(owner, store), images: images() })
  const signal = AbortSignal.any([request.signal, shutdown])
  const start = { engine, chat, request: translated.turn, signal, headers: request.headers }
  return { object: 'response.input_tokens', input_tokens: await countChat(start) }
}

/** What a request of this owner may refer to. */
export function knownTo(owner: string, store: ResponseStore) {
  return {
    chain: (id: string) => store.chain(owner, id),
    item: (id: string) => store.item(owner, id),
  }
}

/** `last` gives the end of a stream that was cancelled, which is what is left to be told then. */
function toChunkWriter(
  writer: EventWriter,
  settle: (response: ResponseObject) => void,
  last: () => readonly ResponseEvent[] | undefined,
): ChunkWriter {
  let opened = false
  return {
    opening() {
      opened = true
      return encode(writer.opening())
    },
    toChunk(event) {
      const end = last()
      if (end) return event.type === 'done' ? encode(end) : ''
      const chunk = encode(writer.toEvents(event))
      if (event.type === 'done') settle(writer.response())
      return chunk
    },
    heartbeat: () => encode([writer.heartbeat()]),
    error(error) {
      const end = last()
      if (end) return encode(end)
      const chunk = encode(writer.failed(error))
      // What fails before anything was said is answered with a status, and nobody knows the id.
      if (opened) settle(writer.response())
      return chunk
    },
  }
}

/** Events as they are streamed. */
export function encode(events: readonly ResponseEvent[]): string {
  return events.map((event) => encodeSse({ event: event.type, data: JSON.stringify(event) })).join('')
}
