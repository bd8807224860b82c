import { type SchemaOptions, type TProperties, Type } from '@sinclair/typebox'

/**
 * The kinds of value that the configuration is made of. Besides JSON Schema's own words a schema may carry
 * some of ours ({@link OurOptions}), which the error messages and the reader use.
 */
export interface OurOptions extends SchemaOptions {
  description: string
  /** What the number counts. */
  unit?: 'seconds' | 'days' | 'bytes' | 'tokens' | 'turns' | 'requests per second'
  /** Says what is expected where the schema's own words would say too little. */
  expects?: string
  /** What the keys of a mapping with free keys must be. */
  keyExpects?: string
  /** Says of a text what JSON Schema cannot. */
  accepts?: (text: string) => boolean
  /** `""` in the file is the same as leaving the key out, as release 0.2 wrote it. */
  emptyIsUnset?: boolean
  /** The value is never repeated in a message. */
  secret?: boolean
}

/** A mapping with fixed keys; every key has a default or is optional, so the whole may be left out. */
export function section<T extends TProperties>(description: string, properties: T) {
  return Type.Object(properties, { additionalProperties: false, default: {}, description })
}

/**
 * Seconds; fractions are allowed. At most 2147483, because a timer of the runtime holds 2^31 - 1 ms and
 * a longer one would fire at once.
 */
export function seconds(description: string, value: number) {
  return Type.Number({ description, unit: 'seconds', minimum: 0, maximum: 2_147_483, default: value })
}

export function whole(value: number, options: OurOptions & { minimum: number; maximum?: number }) {
  return Type.Integer({ ...options, default: value })
}

export function flag(description: string, value: boolean) {
  return Type.Boolean({ description, default: value })
}

/** A text without a default. */
export function optionalText(description: string, options: Omit<OurOptions, 'description'> = {}) {
  return Type.Optional(Type.String({ minLength: 1, ...options, description }))
}

/** A list of texts, empty by default. `item` says what each of them must be. */
export function texts(
  description: string,
  item: Pick<OurOptions, 'expects' | 'accepts'> & { pattern?: string } = {},
) {
  return Type.Array(Type.String({ minLength: 1, ...item }), { description, default: [] })
}

/** One of a few words. */
export function oneOf<const T extends readonly string[]>(
  words: T,
  options: OurOptions & { default?: T[number] },
) {
  const union = Type.Union(
    words.map((word) => Type.Literal(word)),
    options,
  )
  return Type.Unsafe<T[number]>(union)
}

/** A folder: absolute, or below the home folder. */
export const FOLDER = {
  pattern: '^(/|~$|~/)',
  expects: 'an absolute path, or one that starts with ~/',
} as const
