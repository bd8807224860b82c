import { ClinvkError } from '../errors.ts'

/**
 * All that a program writes, as text. One that never stops would fill our memory, so whoever asks says how much it expects
 * at most, and ends the program when this throws.
 *
 * @throws `agent_protocol` for more than `maxBytes`.
 */
export async function collectText(input: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of input) {
    size += piece.length
    if (size > maxBytes)
      throw new ClinvkError('agent_protocol', `It wrote more than ${maxBytes / 1024} KiB and did not stop.`)
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('utf8')
}
