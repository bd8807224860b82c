/** What the demo agent can be told to do: one member for each directive, and `echo` for a prompt without any. */
export type Step =
  | { readonly type: 'echo' }
  | { readonly type: 'help'; readonly problem?: string }
  | { readonly type: 'say'; readonly text: string }
  | { readonly type: 'think'; readonly text: string }
  /** `bytes` is the exact size of each token; without it tokens are words. */
  | { readonly type: 'tokens'; readonly count: number; readonly delayMs: number; readonly bytes?: number }
  | { readonly type: 'tool'; readonly name: string; readonly input: ToolInput; readonly fails: boolean }
  | { readonly type: 'ask'; readonly name: string; readonly input: ToolInput }
  | { readonly type: 'history' }
  | { readonly type: 'session' }
  | { readonly type: 'wait'; readonly ms: number }
  | { readonly type: 'ignore-cancel' }
  | { readonly type: 'hang' }
  | { readonly type: 'stop'; readonly reason: DemoStopReason }
  | {
      readonly type: 'fail'
      readonly status: number
      readonly message: string
      readonly retryAfterMs?: number
    }
  | { readonly type: 'not-logged-in' }
  | { readonly type: 'crash'; readonly exitCode: number }

/** Arguments of a pretended tool call. */
export type ToolInput = Readonly<Record<string, unknown>>

/** The stop reasons of ACP that a prompt may ask for; `cancelled` is only ever the answer to a cancel. */
type DemoStopReason = (typeof STOP_REASONS)[number]

export const STOP_REASONS = ['end_turn', 'max_tokens', 'max_turn_requests', 'refusal'] as const
