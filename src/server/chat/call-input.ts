/**
 * The arguments of an earlier call as the object that every agent takes. What is none, such as arguments that a limit
 * cut, is told as it is in a member of its own: the conversation has to go on, and nothing of it may be lost.
 */
export function callInput(text: string): Readonly<Record<string, unknown>> {
  if (text.trim() === '') return {}
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Readonly<Record<string, unknown>>
  } catch {}
  return { arguments: text }
}
