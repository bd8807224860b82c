import type { InputPart } from '../../agents/types.ts'
import type { TurnRequest } from '../../engine/types.ts'
import { invalidFields, type WrongField } from '../validate.ts'
import type { PromptRequest } from './schema.ts'

/**
 * Translates the body of a prompt.
 *
 * @throws `invalid_request` for what its schema cannot say.
 */
export function fromPromptRequest(body: PromptRequest): TurnRequest {
  if (body.session_id !== undefined && (body.title !== undefined || body.tags !== undefined))
    throw invalidFields([
      {
        path: body.title === undefined ? 'tags' : 'title',
        message: 'is for a new session. PATCH /api/v1/sessions/{id} changes those of one that is there.',
      },
    ])
  const wrong = [...wrongImages(body), ...wrongTexts(body), ...wrongMetadata(body)]
  if (wrong.length > 0) throw invalidFields(wrong)
  const images: InputPart[] = (body.images ?? []).map(({ media_type, data }) => ({
    type: 'image',
    mediaType: media_type,
    data,
  }))
  return {
    parts: [...images, { type: 'text', text: body.prompt }],
    ...defined('backend', body.backend),
    ...defined('model', body.model),
    ...defined('sessionId', body.session_id),
    ...defined('workdir', body.workdir),
    ...defined('ephemeral', body.ephemeral),
    ...defined('approvalMode', body.approval_mode),
    ...defined('sandboxMode', body.sandbox_mode),
    ...defined('systemPrompt', body.system_prompt),
    // Release 0.2 sent 0 for "not set".
    ...defined('maxTokens', body.max_tokens || undefined),
    ...defined('maxTurns', body.max_turns || undefined),
    ...defined('allowedTools', body.allowed_tools),
    ...defined('extraFlags', body.extra),
    ...defined('metadata', body.metadata),
    ...defined('whenBusy', body.on_busy),
    ...defined('title', body.title),
    ...defined('tags', body.tags),
  }
}

function defined<K extends keyof TurnRequest>(
  key: K,
  value: TurnRequest[K] | undefined,
): Partial<Pick<TurnRequest, K>> {
  return value === undefined ? {} : ({ [key]: value } as Pick<TurnRequest, K>)
}

function wrongImages({ images = [] }: PromptRequest): WrongField[] {
  return images.flatMap(({ data, media_type }, index) => {
    const path = `images[${index}].data`
    if (!isBase64(data))
      return [{ path, message: 'is not base64, without line breaks and without data: in front.' }]
    return looksLike(media_type, data) ? [] : [{ path, message: `does not begin as ${media_type} does.` }]
  })
}

/** How files of each kind begin, as text of their bytes. */
const BEGINNINGS: Readonly<Record<string, RegExp>> = {
  'image/png': /^\x89PNG\r\n/,
  'image/jpeg': /^\xff\xd8\xff/,
  'image/gif': /^GIF8[79]a/,
  'image/webp': /^RIFF[\s\S]{4}WEBP/,
}

function looksLike(mediaType: string, base64: string): boolean {
  return BEGINNINGS[mediaType]?.test(atob(base64.slice(0, 16))) ?? false
}

/** Everything but the prompt may reach an agent as an argument or a variable, which cannot hold a NUL. */
function wrongTexts(body: PromptRequest): WrongField[] {
  const { prompt: _, images: __, metadata: ___, ...options } = body
  return Object.entries(options).flatMap(([path, value]) =>
    [value].flat().some((item) => typeof item === 'string' && item.includes('\0'))
      ? [{ path, message: 'holds a NUL character.' }]
      : [],
  )
}

/** What is too deep to be written again must be refused before the turn has run, not after. */
function wrongMetadata({ metadata }: PromptRequest): WrongField[] {
  if (!isDeeper(metadata, METADATA_LEVELS)) return []
  return [{ path: 'metadata', message: `is nested deeper than ${METADATA_LEVELS} levels.` }]
}

const METADATA_LEVELS = 100

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some((member) => isDeeper(member, levels - 1))
}

function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text)
}
