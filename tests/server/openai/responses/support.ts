import type { InputPart } from '../../../../src/agents/types.ts'
import { createImageReader } from '../../../../src/server/chat/images.ts'
import type { CreateResponse } from '../../../../src/server/openai/responses/schema.ts'
import type { StoredItem, StoredResponse } from '../../../../src/server/openai/responses/store.ts'
import { createResponseObject, messageItem } from '../../../../src/server/openai/responses/to-response.ts'

export const images = createImageReader({ fetchImages: false })

/** A request with little in it. */
export function create(body: Partial<CreateResponse> = {}): CreateResponse {
  return { model: 'fake', input: 'hi', ...body }
}

/** A response that is kept: one question, one answer. `of` names both and the response. */
export function stored(of: string, previous: string | null = null, id = `resp_${of}`): StoredResponse {
  const begun = createResponseObject(create({ previous_response_id: previous }), 0)
  const response = { ...begun, id, output: [messageItem(`msg_${of}`, `answer ${of}`, 'completed')] }
  return { response, input: [question(of)] }
}

function question(of: string): StoredItem {
  return {
    id: `ask_${of}`,
    type: 'message',
    role: 'user',
    status: 'completed',
    content: [{ type: 'input_text', text: `question ${of}` }],
  }
}

export function text(of: string): InputPart {
  return { type: 'text', text: of }
}

/** A server-sent event of a stream. */
export interface Sent {
  readonly event: string
  readonly data: Record<string, unknown> & { type: string; sequence_number: number }
}

/** The events of a stream; comments are left out. */
export function sentIn(stream: string): Sent[] {
  return stream.split('\n\n').flatMap((block) => {
    const [, event, data] = block.match(/^event: (.+)\ndata: (.+)$/) ?? []
    return event === undefined || data === undefined ? [] : [{ event, data: JSON.parse(data) }]
  })
}
