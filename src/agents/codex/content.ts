import { ClinvkError } from '../../errors.ts'
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
