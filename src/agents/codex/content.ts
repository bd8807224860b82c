import { ClinvkError } from '../../errors.ts'
import type { ToolResult } from '../messages.ts'
import type { InputPart } from '../types.ts'

/** Parts as the content of an item of the conversation. @throws as {@link imageUrl} */
export function contentItems(parts: readonly InputPart[]): Record<string, unknown>[] {
  return parts.map((part) =>
    part.type === 'text'
      ? { type: 'input_text', text: part.text }
      : { type: 'input_image', image_url: imageUrl(part) },
  )
}

/**
 * The answer to `item/tool/call`. Without any content the model would be sent an empty list. `success` stays with Codex:
 * the model is told nothing of it (0.169.0).
 *
 * @throws as {@link imageUrl}
 */
export function toolAnswer(result: ToolResult): Record<string, unknown> {
  const parts = resultParts(result)
  const told: readonly InputPart[] = parts.length === 0 ? [{ type: 'text', text: '' }] : parts
  return {
    contentItems: told.map((part) =>
      part.type === 'text'
        ? { type: 'inputText', text: part.text }
        : { type: 'inputImage', imageUrl: imageUrl(part) },
    ),
    success: !result.isError,
  }
}

/** What the model is told of a result. There is no other way to tell it that a call failed than to say so. */
export function resultParts({ parts, isError }: Pick<ToolResult, 'parts' | 'isError'>): readonly InputPart[] {
  return isError ? [{ type: 'text', text: 'The tool call failed.' }, ...parts] : parts
}

/**
 * An image as a data URL. What Codex cannot decode it replaces by a sentence that says so.
 *
 * @throws `unsupported_option` for a document: Codex refuses items with files, and takes nothing else for one.
 */
export function imageUrl(part: Exclude<InputPart, { readonly type: 'text' }>): string {
  if (part.type === 'image') return `data:${part.mediaType};base64,${part.data}`
  throw new ClinvkError(
    'unsupported_option',
    `Codex takes no documents (${part.mediaType}), only text and images.`,
  )
}
