import type { InputPart } from '../../agents/types.ts'
import { type ImageReader, toInputPart, toTextPart } from '../chat/images.ts'
import type { DocumentBlock, ToolResultBlock, UserBlock } from './schema-blocks.ts'

type ToolResultContent = NonNullable<ToolResultBlock['content']>
type ContentBlock = Exclude<UserBlock, ToolResultBlock> | Exclude<ToolResultContent, string>[number]

/**
 * Translates what is said or what a tool gave back. `path` is the field's, for errors.
 *
 * @throws `invalid_request` for data that cannot be read.
 */
export async function toParts(
  content: string | readonly ContentBlock[],
  path: string,
  readImage: ImageReader,
): Promise<InputPart[]> {
  if (typeof content === 'string') return textParts(content)
  const parts: InputPart[] = []
  for (const [index, block] of content.entries())
    parts.push(...(await toBlockParts(block, `${path}[${index}]`, readImage)))
  return parts
}

/** The same for one block. */
export async function toBlockParts(
  block: ContentBlock,
  path: string,
  readImage: ImageReader,
): Promise<InputPart[]> {
  switch (block.type) {
    case 'text':
      return textParts(block.text)
    case 'image': {
      const { source } = block
      return source.type === 'url'
        ? [await readImage(source.url, `${path}.source.url`)]
        : [toInputPart(source.media_type, source.data, `${path}.source`)]
    }
    case 'document':
      return await documentParts(block, path, readImage)
    case 'search_result':
      return [
        toTextPart(block.content.map(({ text }) => text).join('\n\n'), `${block.title} (${block.source})`),
      ]
    case 'tool_reference':
      return textParts(block.tool_name)
  }
}

async function documentParts(
  block: DocumentBlock,
  path: string,
  readImage: ImageReader,
): Promise<InputPart[]> {
  const { source } = block
  const name = block.title ?? undefined
  const context = textParts(block.context ?? '')
  switch (source.type) {
    case 'base64':
      return [...context, toInputPart(source.media_type, source.data, `${path}.source`, name)]
    case 'url':
      return [...context, await readImage(source.url, `${path}.source.url`, name)]
    case 'text':
      return [...context, toTextPart(source.data, name)]
    case 'content': {
      const title = textParts(name === undefined ? '' : `${name}:`)
      return [...context, ...title, ...(await toParts(source.content, `${path}.source.content`, readImage))]
    }
  }
}

/** Nothing is said by an empty text, and providers refuse it. */
function textParts(text: string): InputPart[] {
  return text === '' ? [] : [{ type: 'text', text }]
}
