import { fromMessagesRequest } from '../../../src/server/anthropic/from-request.ts'
import { type MessagesRequest, MessagesRequest as Schema } from '../../../src/server/anthropic/schema.ts'
import { createImageReader, type ImageReader } from '../../../src/server/chat/images.ts'
import { createCheck } from '../../../src/server/validate.ts'

const check = createCheck(Schema)
const noFetch = createImageReader({ fetchImages: false })

/** Checks and translates a body that lacks what every request has. */
export async function translate(body: object, readImage: ImageReader = noFetch) {
  return await fromMessagesRequest(check(whole(body)), readImage)
}

/** The messages that one message becomes. */
export async function said(message: object, readImage?: ImageReader) {
  return (await translate({ messages: [message] }, readImage)).messages
}

/** What a body is refused with. */
export async function refusal(body: object): Promise<{ message: string; code: string }> {
  try {
    await translate(body)
  } catch (error) {
    const { message, code } = error as { message: string; code: string }
    return { message, code }
  }
  throw new Error('It was accepted.')
}

function whole(body: object): MessagesRequest {
  return { model: 'fake', max_tokens: 100, messages: [{ role: 'user', content: 'hi' }], ...body }
}
