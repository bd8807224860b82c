import { testApp } from '../support.ts'

/** The app with one chat's request at hand. */
export function chatApp(options: Parameters<typeof testApp>[0] = {}) {
  const app = testApp(options)
  return {
    ...app,
    /** A chat completion; the body is completed with a model and a message. */
    chat: (body: object = {}, headers: Record<string, string> = {}) =>
      app.post(
        '/openai/v1/chat/completions',
        { model: 'fake', messages: [{ role: 'user', content: 'hi' }], ...body },
        headers,
      ),
  }
}
