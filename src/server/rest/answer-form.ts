import type { PromptRequest } from './schema.ts'

/** In which form an answer goes out. */
export type AnswerForm = 'json' | 'text' | 'sse' | 'ndjson'

/**
 * The form that a request asks for. Accept wins where it names a stream, since its sender can read nothing else;
 * then the body, since libraries send an Accept of their own making along.
 */
export function answerForm(
  body: Pick<PromptRequest, 'stream' | 'output_format'>,
  accept: string | null,
): AnswerForm {
  const preferred = preferredForm(accept)
  if (preferred === 'sse' || preferred === 'ndjson') return preferred
  if (body.output_format === 'stream-json') return 'ndjson'
  if (body.stream === true) return 'sse'
  return preferred ?? 'json'
}

const FORMS: Readonly<Record<string, AnswerForm>> = {
  'text/event-stream': 'sse',
  'application/x-ndjson': 'ndjson',
  'application/json': 'json',
  'text/plain': 'text',
}

/** The first of our forms that an Accept header ranks highest. */
function preferredForm(accept: string | null): AnswerForm | undefined {
  const ranked = (accept ?? '').split(',').map((entry) => {
    const [type = '', ...parameters] = entry.split(';').map((part) => part.trim().toLowerCase())
    const quality = parameters.find((part) => part.startsWith('q='))?.slice(2)
    return { form: FORMS[type], quality: quality === undefined ? 1 : Number(quality) }
  })
  return ranked.filter(({ form, quality }) => form && quality > 0).sort((a, b) => b.quality - a.quality)[0]
    ?.form
}
