import { type Static, Type } from '@sinclair/typebox'

/** The server that a tool is to be connected to. */
export interface Target {
  /** Without a trailing slash. */
  readonly url: string
  /** A name that the server has for a model. */
  readonly model: string
  /** Whether the server asks for a key. Then it is in {@link KEY_VARIABLE}; no key is ever printed. */
  readonly needsKey: boolean
}

/** The variable that settings read the key from. */
export const KEY_VARIABLE = 'CLINVK_API_KEY'
/** Many tools insist on a key. */
export const NO_KEY = 'not-needed'

const LANGUAGES = ['sh', 'yaml', 'json', 'toml', 'python', 'javascript', 'text'] as const

/** A piece to paste. */
export const Piece = Type.Object(
  {
    where: Type.String({ description: 'Where it goes, in one line.' }),
    file: Type.Optional(Type.String({ description: 'The file, where it is one.' })),
    language: Type.Union(LANGUAGES.map((language) => Type.Literal(language))),
    text: Type.String({ description: 'What to paste.' }),
  },
  { description: 'One piece of the settings.' },
)
export type Piece = Static<typeof Piece>

/** Everything that is told of one tool. */
export interface Tool {
  readonly name: string
  readonly title: string
  readonly pieces: (target: Target) => readonly Piece[]
  /** How to see that it works. */
  readonly check: (target: Target) => string
  /**
   * What the settings were tried with: the tests run just these with that version. Absent: they are written by the tool's
   * documentation, and nobody has run the tool with them here.
   */
  readonly triedWith?: string
  readonly notes?: (target: Target) => readonly string[]
}

/** What `clinvk connect TOOL --json` prints. */
export const Connection = Type.Object(
  {
    tool: Type.String(),
    title: Type.String(),
    url: Type.String({ description: 'Where clinvk is called.' }),
    model: Type.String(),
    needs_key: Type.Boolean({
      description: `Whether a key is needed. The settings read it from ${KEY_VARIABLE}.`,
    }),
    pieces: Type.Array(Piece),
    check: Type.String({ description: 'How to see that it works.' }),
    tried_with: Type.Optional(
      Type.String({ description: 'What the settings were tried with. Absent: they were not.' }),
    ),
    notes: Type.Array(Type.String()),
  },
  { $id: 'Connection', description: 'The settings of one tool.' },
)
export type Connection = Static<typeof Connection>
