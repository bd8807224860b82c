/** A JSON Schema, of any draft. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** A tool of the client's own: the agent's model may call it, and the client answers the call. */
export interface ClientTool {
  readonly name: string
  readonly description?: string
  /** Of its arguments: a schema of type object. */
  readonly inputSchema: JsonSchema
}

/** Whether the model has to call one of the client's tools: any of them, or this one. */
export type ToolChoice = 'required' | { readonly name: string }
