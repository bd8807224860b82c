import { type Static, Type } from '@sinclair/typebox'
import { MOST_TOOLS } from '../chat/client-tools.ts'
import { maybe, open, words } from './fields.ts'

const text = (description: string) => Type.String({ description })
const literal = <const T extends string>(value: T, description: string) =>
  Type.Literal(value, { description })
const schemaOf = (description: string) => maybe(Type.Record(Type.String(), Type.Unknown()), description)

/** A tool of a chat completion. */
export const ToolDefinition = Type.Union(
  [
    open(
      {
        type: literal('function', 'What it is.'),
        function: open(
          {
            name: text('Its name.'),
            description: maybe(Type.String(), 'What it does.'),
            parameters: schemaOf('JSON Schema of its arguments.'),
            strict: maybe(Type.Boolean(), 'Without effect.'),
          },
          { description: 'The function.' },
        ),
      },
      { description: 'A function.' },
    ),
    open(
      {
        type: literal('custom', 'What it is.'),
        custom: open(
          {
            name: text('Its name.'),
            description: maybe(Type.String(), 'What it does.'),
            format: Type.Optional(Type.Unknown({ description: 'Form of its input. The model is told it.' })),
          },
          { description: 'The tool.' },
        ),
      },
      { description: 'A tool that takes a text.' },
    ),
  ],
  { description: 'A tool of the client.' },
)
export type ToolDefinition = Static<typeof ToolDefinition>

const named = open({ name: text('Its name.') }, { description: 'The tool.' })
/** Which of the tools may or have to be called. */
export const ToolChoice = Type.Union([
  words(['none', 'auto', 'required']),
  open({ type: literal('function', 'What it is.'), function: named }, { description: 'This function.' }),
  open({ type: literal('custom', 'What it is.'), custom: named }, { description: 'This tool.' }),
  open(
    {
      type: literal('allowed_tools', 'Only some of the tools.'),
      allowed_tools: open(
        {
          mode: words(['auto', 'required'], 'Whether the model must call one of them.'),
          tools: Type.Array(
            open(
              {
                function: maybe(named, 'A function.'),
                custom: maybe(named, 'A custom tool.'),
              },
              { description: 'One of the tools.' },
            ),
            { maxItems: MOST_TOOLS, description: 'The tools.' },
          ),
        },
        { description: 'Which.' },
      ),
    },
    { description: 'Only some of the tools.' },
  ),
])
export type ToolChoice = Static<typeof ToolChoice>
