/** The response header that names what was accepted and changes nothing. */
const WITHOUT_EFFECT_HEADER = 'x-clinvk-without-effect'

/** Those of `names` that a body gives a value to. `null` is the same as leaving a field out. */
export function sentOf(body: object, names: readonly string[]): string[] {
  const values = new Map(Object.entries(body))
  return names.filter((name) => (values.get(name) ?? undefined) !== undefined)
}

/** The header for these fields; none where there are none. */
export function withoutEffectHeader(fields: readonly string[]): Record<string, string> {
  return fields.length === 0 ? {} : { [WITHOUT_EFFECT_HEADER]: [...new Set(fields)].join(', ') }
}
