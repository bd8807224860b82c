import { type TSchema, Type } from '@sinclair/typebox'

/** A field that may be left out, or be `null`, which is the same: clients send `null` for most of what they know. */
export function maybe<T extends TSchema>(schema: T, description: string) {
  return Type.Optional(Type.Union([schema, Type.Null()], { description }))
}

/** An object of a client's. What we don't know in it is no mistake. */
export function open<T extends Parameters<typeof Type.Object>[0]>(
  properties: T,
  options: { $id?: string; description: string },
) {
  return Type.Object(properties, { ...options, additionalProperties: true })
}

/** One of a few words. */
export function words<const T extends readonly string[]>(values: T, description?: string) {
  return Type.Union(
    values.map((value) => Type.Literal(value as T[number])),
    description === undefined ? {} : { description },
  )
}
