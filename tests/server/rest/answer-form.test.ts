import { expect, test } from 'bun:test'
import { answerForm } from '../../../src/server/rest/answer-form.ts'

const cases: [body: Parameters<typeof answerForm>[0], accept: string | null, form: string][] = [
  [{}, null, 'json'],
  [{}, '*/*', 'json'],
  [{}, 'text/html', 'json'],
  [{ output_format: 'text' }, null, 'json'],
  [{ output_format: 'json' }, null, 'json'],
  [{ output_format: 'default' }, null, 'json'],
  [{ stream: false }, null, 'json'],
  [{ stream: true }, null, 'sse'],
  [{ stream: true, output_format: 'text' }, null, 'sse'],
  [{ output_format: 'stream-json' }, null, 'ndjson'],
  [{ output_format: 'stream-json', stream: true }, '*/*', 'ndjson'],
  [{}, 'text/event-stream', 'sse'],
  [{}, 'Text/Event-Stream; charset=utf-8', 'sse'],
  [{ output_format: 'stream-json' }, 'text/event-stream', 'sse'],
  [{}, 'application/x-ndjson', 'ndjson'],
  [{}, 'text/plain', 'text'],
  [{ output_format: 'json' }, 'text/plain, application/json', 'text'],
  [{ stream: true }, 'application/json, text/plain, */*', 'sse'],
  [{}, 'application/json, text/plain, */*', 'json'],
  [{}, 'application/json, text/event-stream', 'json'],
  [{}, 'application/json;q=0.5, text/event-stream', 'sse'],
  [{}, 'text/event-stream;q=0, application/json', 'json'],
]
for (const [body, accept, form] of cases)
  test(`${JSON.stringify(body)} with Accept: ${accept} is answered as ${form}`, () => {
    expect(answerForm(body, accept)).toBe(form as 'json')
  })
