import { invalidFields, type WrongField } from '../validate.ts'
import type { Message } from './schema.ts'

/**
 * Checks that every result belongs to an earlier call and every call has a result, as providers want it.
 *
 * @throws `invalid_request`
 */
export function checkToolPairs(messages: readonly Message[]): void {
  const open = new Map<string, string>()
  const known = new Set<string>()
  const wrong: WrongField[] = []
  for (const [index, { content }] of messages.entries()) {
    if (typeof content === 'string') continue
    for (const [place, block] of content.entries()) {
      const path = `messages[${index}].content[${place}]`
      if ('input' in block) {
        open.set(block.id, `${path}.id`)
        known.add(block.id)
      } else if ('tool_use_id' in block) {
        open.delete(block.tool_use_id)
        if (!known.has(block.tool_use_id))
          wrong.push({ path: `${path}.tool_use_id`, message: 'is the id of no call in an earlier message.' })
      }
    }
  }
  for (const path of open.values())
    wrong.push({ path, message: 'is a call that has no result in a later block.' })
  if (wrong.length > 0) throw invalidFields(wrong)
}
