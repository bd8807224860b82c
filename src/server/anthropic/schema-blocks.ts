import { type Static, type TSchema, Type } from '@sinclair/typebox'

// Content blocks as the types of Anthropic's SDK 1.12 have them. What they hold besides, such as cache_control, is
// ignored: nothing here forbids further members.

/** Clients send explicit nulls for what they don't set. */
export const optional = <T extends TSchema>(schema: T) =>
  Type.Optional(
    Type.Union(
      [schema, Type.Null()],
      schema.description === undefined ? {} : { description: schema.description },
    ),
  )

/** A text, or blocks. */
export const textOr = <T extends TSchema>(block: T, description: string) =>
  Type.Union([Type.String(), Type.Array(block)], { description })

const kind = <T extends string>(type: T) => Type.Literal(type, { description: 'Kind of block.' })

export const TextBlock = Type.Object(
  { type: kind('text'), text: Type.String({ description: 'The text.' }) },
  { $id: 'AnthropicTextBlock', description: 'Text.' },
)
export type TextBlock = Static<typeof TextBlock>

const UrlSource = Type.Object(
  {
    type: Type.Literal('url', { description: 'Kind of source.' }),
    url: Type.String({ description: 'An http(s) URL, where the operator allows them, or a data: URL.' }),
  },
  { description: 'By address.' },
)

const base64Source = (mediaType: string) =>
  Type.Object(
    {
      type: Type.Literal('base64', { description: 'Kind of source.' }),
      media_type: Type.String({ description: mediaType }),
      data: Type.String({ description: 'The bytes, base64.' }),
    },
    { description: 'The data itself.' },
  )

const ImageBlock = Type.Object(
  {
    type: kind('image'),
    source: Type.Union([base64Source('image/png, image/jpeg, image/gif or image/webp.'), UrlSource], {
      description: 'Where the image is. Ids of uploaded files are refused.',
    }),
  },
  { $id: 'AnthropicImageBlock', description: 'An image.' },
)

const Citations = optional(
  Type.Object(
    { enabled: optional(Type.Boolean({ description: 'Without effect: agents give no citations.' })) },
    { description: 'Citations in the answer.' },
  ),
)

export const DocumentBlock = Type.Object(
  {
    type: kind('document'),
    source: Type.Union(
      [
        base64Source('application/pdf, or a kind of text.'),
        UrlSource,
        Type.Object(
          {
            type: Type.Literal('text', { description: 'Kind of source.' }),
            data: Type.String({ description: 'The text.' }),
          },
          { description: 'A plain text.' },
        ),
        Type.Object(
          {
            type: Type.Literal('content', { description: 'Kind of source.' }),
            content: textOr(Type.Union([TextBlock, ImageBlock]), 'A text, or blocks of text and images.'),
          },
          { description: 'Blocks.' },
        ),
      ],
      { description: 'Where the document is. Ids of uploaded files are refused.' },
    ),
    title: optional(Type.String({ description: 'Its name.' })),
    context: optional(Type.String({ description: 'What to know of it.' })),
    citations: Citations,
  },
  { $id: 'AnthropicDocumentBlock', description: 'A document.' },
)
export type DocumentBlock = Static<typeof DocumentBlock>

const SearchResultBlock = Type.Object(
  {
    type: kind('search_result'),
    source: Type.String({ description: 'Where it was found.' }),
    title: Type.String({ description: 'Its title.' }),
    content: Type.Array(TextBlock, { description: 'What was found.' }),
    citations: Citations,
  },
  { $id: 'AnthropicSearchResultBlock', description: 'Something that was found.' },
)

const ToolReferenceBlock = Type.Object(
  { type: kind('tool_reference'), tool_name: Type.String({ description: 'Name of the tool.' }) },
  { description: 'A tool that was found.' },
)

export const ToolResultBlock = Type.Object(
  {
    type: kind('tool_result'),
    tool_use_id: Type.String({ minLength: 1, description: 'Id of the call.' }),
    content: optional(
      textOr(
        Type.Union([TextBlock, ImageBlock, DocumentBlock, SearchResultBlock, ToolReferenceBlock]),
        'What the tool gave back.',
      ),
    ),
    is_error: optional(Type.Boolean({ description: 'Whether the tool failed.' })),
  },
  { $id: 'AnthropicToolResultBlock', description: 'What a tool gave back.' },
)
export type ToolResultBlock = Static<typeof ToolResultBlock>

const call = <T extends string>(type: T, description: string) =>
  Type.Object(
    {
      type: kind(type),
      id: Type.String({ minLength: 1, description: 'Id of the call.' }),
      name: Type.String({ minLength: 1, description: 'Name of the tool.' }),
      input: Type.Unknown({ description: 'What the tool was given.' }),
    },
    { description },
  )

const hostedResult = <T extends string>(type: T) =>
  Type.Object(
    {
      type: kind(type),
      tool_use_id: Type.String({ minLength: 1, description: 'Id of the call.' }),
      content: Type.Unknown({ description: 'What the tool gave back.' }),
    },
    { description: "What one of the provider's own tools gave back." },
  )

export const UserBlock = Type.Union(
  [TextBlock, ImageBlock, DocumentBlock, SearchResultBlock, ToolResultBlock],
  { $id: 'AnthropicUserBlock', description: 'A block of a message of the user.' },
)
export type UserBlock = Static<typeof UserBlock>

export const AssistantBlock = Type.Union(
  [
    TextBlock,
    Type.Object(
      { type: kind('thinking'), thinking: Type.String({ description: 'The thoughts.' }) },
      { description: 'Earlier thinking. It is not given to the agent again.' },
    ),
    Type.Object(
      { type: kind('redacted_thinking'), data: Type.String({ description: 'The hidden thoughts.' }) },
      { description: 'Earlier thinking that is hidden. It is not given to the agent again.' },
    ),
    call('tool_use', 'A call of a tool.'),
    call('server_tool_use', "A call of one of the provider's own tools."),
    call('mcp_tool_use', 'A call of a tool of an MCP server.'),
    hostedResult('web_search_tool_result'),
    hostedResult('web_fetch_tool_result'),
    hostedResult('code_execution_tool_result'),
    hostedResult('bash_code_execution_tool_result'),
    hostedResult('text_editor_code_execution_tool_result'),
    hostedResult('tool_search_tool_result'),
    hostedResult('mcp_tool_result'),
  ],
  { $id: 'AnthropicAssistantBlock', description: 'A block of an earlier answer.' },
)
export type AssistantBlock = Static<typeof AssistantBlock>
