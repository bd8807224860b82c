import { type TUnsafe, Type } from '@sinclair/typebox'

/** One of a few words. Its type is said outright: of a list that is made, the framework's types see no member. */
export function words<const T extends readonly string[]>(
  values: T,
  options: { readonly description: string },
): TUnsafe<T[number]> {
  return Type.Union(
    values.map((value) => Type.Literal(value)),
    options,
  ) as unknown as TUnsafe<T[number]>
}
