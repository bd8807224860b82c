import type { JsonSchema } from '../../agents/client-tools.ts'

/**
 * Custom tools of OpenAI take a text in place of JSON. Agents know only tools with arguments, so such a tool is offered
 * with one argument, which is that text.
 */
export const CUSTOM_SCHEMA: JsonSchema = {
  type: 'object',
  properties: { input: { type: 'string' } },
  required: ['input'],
  additionalProperties: false,
}

/** What the model is told of such a tool: OpenAI holds it to the grammar, and nobody else does. */
export function customDescription(description: string, format: unknown): string {
  const { type, syntax, definition, grammar } = (format ?? {}) as Readonly<Record<string, unknown>>
  const rules = (grammar ?? { syntax, definition }) as Readonly<Record<string, unknown>>
  if (type !== 'grammar') return description
  return `${description}\n\nThe input has to fit this ${String(rules['syntax'])} grammar:\n${String(rules['definition'])}`
}

/** The text of a call of such a tool. */
export function customInput(input: unknown): string {
  if (typeof input === 'object' && input !== null && 'input' in input && typeof input.input === 'string')
    return input.input
  return typeof input === 'string' ? input : JSON.stringify(input)
}

/** The names of a request's custom tools, whichever of OpenAI's APIs it is for. */
export function customToolsOf(tools: readonly unknown[] | null | undefined): ReadonlySet<string> {
  const names = (tools ?? []).flatMap((tool) => {
    const { type, name, custom } = tool as { type?: unknown; name?: unknown; custom?: { name?: unknown } }
    const own = name ?? custom?.name
    return type === 'custom' && typeof own === 'string' ? [own] : []
  })
  return new Set(names)
}
