import type { JsonSchema } from '../../../agents/client-tools.ts'
import type { CreateResponse } from './schema.ts'

/**
 * Custom tools of the Responses API take a text in place of JSON. Agents know only tools with arguments, so such a
 * tool is offered with one argument, which is that text.
 */
export const CUSTOM_SCHEMA: JsonSchema = {
  type: 'object',
  properties: { input: { type: 'string' } },
  required: ['input'],
  additionalProperties: false,
}

/** The text of a call of such a tool. */
export function customInput(input: unknown): string {
  if (typeof input === 'object' && input !== null && 'input' in input && typeof input.input === 'string')
    return input.input
  return typeof input === 'string' ? input : JSON.stringify(input)
}

/** The names of a request's custom tools. */
export function customToolsOf({ tools }: CreateResponse): ReadonlySet<string> {
  const names = (tools ?? []).flatMap((tool) => {
    const { type, name } = tool as { type?: unknown; name?: unknown }
    return type === 'custom' && typeof name === 'string' ? [name] : []
  })
  return new Set(names)
}
