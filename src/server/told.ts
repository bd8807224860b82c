import type { Static, TObject, TOptional, TSchema, TUnsafe } from '@sinclair/typebox'
import type { Problem } from './problem.ts'

/** What a route is sent and answers. */
interface Told {
  readonly body?: TSchema
  /** Names of what the query may have. */
  readonly query?: readonly string[]
  /** The JSON answer. */
  readonly answer?: TSchema
  /** What the answer is a stream of. */
  readonly events?: TSchema
}

type Schemas<T extends Told> = (T['body'] extends TSchema ? { body: TUnsafe<Static<T['body']>> } : unknown) &
  (T['query'] extends readonly string[]
    ? { query: TObject<{ [Name in T['query'][number]]: TOptional<TUnsafe<string | number>> }> }
    : unknown) & {
    response: {
      200: T['answer'] extends TSchema
        ? TUnsafe<Static<T['answer']>>
        : T['events'] extends TSchema
          ? // As a client's reader of server-sent events hands them out.
            TUnsafe<AsyncGenerator<{ id: number; event: string; data: Static<T['events']> }, void, unknown>>
          : TUnsafe<unknown>
      // Stands for every error.
      500: TUnsafe<Problem>
    }
  }

/**
 * Tells the framework's types, and so our typed client, what a route is sent and answers. The framework itself is told
 * nothing: bodies and queries are read by the routes, and answers are checked by tests.
 */
export function told<const Hooks extends object, const T extends Told>(
  hooks: Hooks,
  _: T,
): Hooks & Schemas<T> {
  return hooks as Hooks & Schemas<T>
}
