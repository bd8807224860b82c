import type { Static, TSchema } from '@sinclair/typebox'
import { type BodyLimits, readBody } from './body.ts'
import { parseJson } from './json.ts'
import { createCheck } from './validate.ts'

/** Makes the body parser of a route from the schema of its body. */
export type JsonBody = <T extends TSchema>(schema: T) => (context: { request: Request }) => Promise<Static<T>>

/**
 * Bodies are read, parsed and checked by us, in front of the framework's own check, which knows no limit on
 * time or decoded size, drops unknown fields in silence and words its errors for programmers.
 */
export function createJsonBody(limits: BodyLimits): JsonBody {
  return (schema) => {
    const check = createCheck(schema)
    return async ({ request }) => check(parseJson(await readBody(request, limits)))
  }
}
