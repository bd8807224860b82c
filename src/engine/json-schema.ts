import { Ajv, type ErrorObject } from 'ajv'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { JsonSchema } from '../agents/client-tools.ts'
import { ClinvkError } from '../errors.ts'
import { checkAside, TOOK_TOO_LONG } from './check-aside.ts'
import { measureSchema } from './schema-size.ts'

/** Says what is wrong with a value, in words for the model that made it; undefined where it fits. */
export type SchemaCheck = (value: unknown) => Promise<string | undefined>

/** Most objects and lists of a schema, and most values in them: what is compiled within a second. */
const MOST_PARTS = 2000
const MOST_VALUES = 20_000

/** What a schema may have to be compiled and used on the spot: that takes a few milliseconds. */
const FEW_VALUES = 200

/**
 * Makes the check of a JSON Schema, of the draft that it names, else of 2020-12. Formats are not checked, unknown
 * keywords mean nothing. A schema that could take long is worked on aside, within a time.
 *
 * @throws `invalid_request` that says where the schema is wrong, or why it is too much. The check throws
 * `answer_invalid` where it takes too long.
 */
export async function compileSchema(schema: JsonSchema): Promise<SchemaCheck> {
  const size = measureSchema(schema)
  if (typeof size === 'string') throw wrongSchema(`It ${size}`)
  for (const [count, most, what] of [
    [size.parts, MOST_PARTS, 'objects and lists'],
    [size.values, MOST_VALUES, 'values'],
  ] as const)
    if (count > most) throw wrongSchema(`It has ${count} ${what}, and ${most} at most are taken`)
  if (!size.tricky && size.values <= FEW_VALUES) {
    const check = makeCheck(schema, true)
    if (typeof check === 'string') throw wrongSchema(check)
    return async (value) => check(value)
  }

  // Of parts that are repeated without number there would be errors without number.
  const allErrors = !size.refers
  // A schema that refers to itself in a ring is found only when it is used.
  const tried = await checkAside({ schema, values: SAMPLES, allErrors })
  if (tried === TOOK_TOO_LONG) throw wrongSchema('Checking values with it takes too long')
  if (typeof tried === 'string') throw wrongSchema(tried)
  if (tried.endless) throw wrongSchema('It refers to itself without end')
  return async (value) => {
    const found = await checkAside({ schema, values: [value], allErrors }).catch((error: unknown) => {
      // Of what can't even be handed over.
      if (error instanceof RangeError) return 'it nests too deep to be checked'
      throw error
    })
    if (found === TOOK_TOO_LONG)
      throw new ClinvkError('answer_invalid', "Checking the model's answer with the schema took too long.")
    return typeof found === 'string' ? found : found.problems[0]
  }
}

/** One value of each type. */
const SAMPLES: readonly unknown[] = [{}, [], '', 0, true, null]

/**
 * The check itself, done at once; or what is wrong with the schema. The check throws where it comes to no end.
 *
 * @param allErrors Whether it looks for more than the first error.
 */
export function makeCheck(
  schema: JsonSchema,
  allErrors: boolean,
): ((value: unknown) => string | undefined) | string {
  const { $schema: named, ...rest } = schema
  // Ajv's own word, with which every value passes.
  if (rest['$async'] !== undefined) return '$async is no keyword of JSON Schema'
  const ajv = newCompiler(named, allErrors)
  try {
    if (!ajv.validateSchema(rest)) return tell(ajv.errors ?? [])
    const validate = ajv.compile(rest)
    return (value) => (validate(value) ? undefined : tell(validate.errors ?? []))
  } catch (error) {
    return error instanceof Error ? error.message : 'it failed'
  }
}

/** What is wrong with a schema, without making anything of it; undefined where nothing is. */
export function checkSchema(schema: JsonSchema): string | undefined {
  const size = measureSchema(schema)
  if (typeof size === 'string') return `it ${size}`
  const { $schema: named, ...rest } = schema
  const ajv = compilerFor(named)
  return ajv.validateSchema(rest) ? undefined : tell(ajv.errors ?? [])
}

const OPTIONS = {
  strict: false,
  // Without it 1e999 is a number.
  strictNumbers: true,
  // Without it every object has a toString.
  ownProperties: true,
  // With it what many references name is compiled as many times.
  inlineRefs: false,
  validateFormats: false,
  logger: false,
} as const

/** Of a draft that nobody knows the newest is the best guess. Compilers keep what they compile, so each is used once. */
function newCompiler(named: unknown, allErrors: boolean): Ajv {
  const options = { ...OPTIONS, allErrors }
  const draft = String(named ?? '')
  if (/draft-0[4-7]/.test(draft)) return new Ajv(options)
  return draft.includes('2019-09') ? new Ajv2019(options) : new Ajv2020(options)
}

const checkers = new Map<string, Ajv>()

/** One that is only asked whether schemas are valid, of which it keeps nothing. */
function compilerFor(named: unknown): Ajv {
  const draft = /draft-0[4-7]|2019-09/.exec(String(named ?? ''))?.[0] ?? '2020-12'
  const known = checkers.get(draft) ?? newCompiler(named, true)
  checkers.set(draft, known)
  return known
}

function wrongSchema(why: string): ClinvkError {
  return new ClinvkError('invalid_request', `The JSON Schema is not valid: ${why}.`)
}

const MOST_ERRORS = 5

function tell(errors: readonly ErrorObject[]): string {
  return errors
    .slice(0, MOST_ERRORS)
    .map(({ instancePath, message, params }) => {
      const more = 'allowedValues' in params ? ` (${JSON.stringify(params['allowedValues'])})` : ''
      return `${instancePath === '' ? 'the root' : instancePath} ${message ?? 'is wrong'}${more}`
    })
    .join('; ')
}
