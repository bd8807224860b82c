import { Ajv, type ErrorObject } from 'ajv'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { JsonSchema } from '../agents/client-tools.ts'
import { ClinvkError } from '../errors.ts'

/** Says what is wrong with a value, in words for the model that made it; undefined where it fits. */
export type SchemaCheck = (value: unknown) => string | undefined

/**
 * Makes the check of a JSON Schema, of the draft that it names, else of 2020-12. Formats are not checked, unknown
 * keywords mean nothing.
 *
 * @throws `invalid_request` that says where the schema is wrong.
 */
export function compileSchema(schema: JsonSchema): SchemaCheck {
  const { $schema: named, ...rest } = schema
  const ajv = newCompiler(named)
  try {
    if (!ajv.validateSchema(rest)) throw wrongSchema(tell(ajv.errors ?? []))
    const validate = ajv.compile(rest)
    return (value) => (validate(value) ? undefined : tell(validate.errors ?? []))
  } catch (error) {
    throw error instanceof ClinvkError
      ? error
      : wrongSchema(error instanceof Error ? error.message : 'it failed')
  }
}

/** What is wrong with a schema, without making anything of it; undefined where nothing is. */
export function checkSchema({ $schema: named, ...rest }: JsonSchema): string | undefined {
  const ajv = compilerFor(named)
  return ajv.validateSchema(rest) ? undefined : tell(ajv.errors ?? [])
}

const OPTIONS = { strict: false, allErrors: true, validateFormats: false, logger: false } as const

/** Of a draft that nobody knows the newest is the best guess. Compilers keep what they compile, so each is used once. */
function newCompiler(named: unknown): Ajv {
  const draft = String(named ?? '')
  if (/draft-0[4-7]/.test(draft)) return new Ajv(OPTIONS)
  return draft.includes('2019-09') ? new Ajv2019(OPTIONS) : new Ajv2020(OPTIONS)
}

const checkers = new Map<string, Ajv>()

/** One that is only asked whether schemas are valid, of which it keeps nothing. */
function compilerFor(named: unknown): Ajv {
  const draft = /draft-0[4-7]|2019-09/.exec(String(named ?? ''))?.[0] ?? '2020-12'
  const known = checkers.get(draft) ?? newCompiler(named)
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
