import type { ServiceFlags } from './types.ts'

const WORDS = 'Written by "clinvk service install", which writes it anew: '

/**
 * The line by which a file is known to be ours, with what it was made from. No hyphen is in it as it is: two of them
 * would end a comment of XML.
 */
export function markerOf(flags: ServiceFlags): string {
  return WORDS + JSON.stringify(flags).replaceAll('-', '\\u002d')
}

/** What a file of ours was made from; undefined for one of somebody else. */
export function readMarker(text: string): ServiceFlags | undefined {
  const at = text.indexOf(WORDS)
  if (at === -1) return undefined
  const [json = ''] = text.slice(at + WORDS.length).match(/^\{.*\}/) ?? []
  try {
    return JSON.parse(json) as ServiceFlags
  } catch {
    // Ours all the same, if somebody has had a hand in it.
    return {}
  }
}
