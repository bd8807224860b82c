import { ClinvkError } from '../errors.ts'

/** Where a value came from: a place in the file, or the name of a variable or flag. */
export type Place =
  | { readonly file: string; readonly line: number; readonly column: number }
  | { readonly name: string }

/** One thing that is wrong with the configuration. */
export interface Problem {
  readonly place?: Place | undefined
  /** The key, dotted: `server.port`. */
  readonly key?: string
  /** What was found and what was expected. */
  readonly message: string
}

/** The error that stops the start: it names every problem, not only the first. */
export function configError(problems: readonly Problem[]): ClinvkError {
  const lines = problems.map((problem) => `  ${formatProblem(problem)}`)
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`
  return new ClinvkError('config_invalid', `The configuration has ${count}:\n${lines.join('\n')}`, {
    retryable: false,
    details: { problems },
  })
}

/** `config.yaml:3:9: server.port: found …`; a variable or flag stands for its key. */
export function formatProblem({ place, key, message }: Problem): string {
  if (place === undefined) return key === undefined ? message : `${key}: ${message}`
  if ('name' in place) return `${place.name}: ${message}`
  const where = `${place.file}:${place.line}:${place.column}`
  return key === undefined ? `${where}: ${message}` : `${where}: ${key}: ${message}`
}
