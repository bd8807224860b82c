import { ClinvkError } from '../../errors.ts'
import type { HistoryMessage } from '../messages.ts'
import type { InputPart } from '../types.ts'
import type { Attachment } from './history.ts'
import type { TakenTypes } from './profile.ts'

/**
 * Refuses what the model cannot read, where the agent tells that. OpenCode would put a sentence in its place, for the
 * model alone: "ERROR: Cannot read image (this model does not support image input)" (1.18.33).
 *
 * @param learn Asks the agent; it is not asked about a prompt of text.
 * @throws `unsupported_option`
 */
export async function requireTaken(
  parts: readonly InputPart[],
  history: readonly HistoryMessage[],
  model: string,
  learn: (model: string) => Promise<TakenTypes>,
): Promise<void> {
  const earlier = history.flatMap((message) => (message.role === 'assistant' ? [] : message.parts))
  const attached = [...earlier, ...parts].filter((part): part is Attachment => part.type !== 'text')
  if (attached.length === 0) return
  const takes = await learn(model)
  const refused = attached.find(({ mediaType }) => !takes(mediaType))
  if (!refused) return
  const option = `${refused.type}s`
  throw new ClinvkError(
    'unsupported_option',
    `${option}: the model ${model} takes no ${refused.mediaType}.`,
    {
      details: { option },
    },
  )
}
