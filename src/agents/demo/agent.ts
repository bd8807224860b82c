import { type AgentApp, type AgentContext, agent, RequestError } from '@agentclientprotocol/sdk'
import type { PromptResponse } from '@agentclientprotocol/sdk/unstable'
import { countWords, fromContentBlocks, type Prompt } from './prompt.ts'
import { runStep } from './run-step.ts'
import { parseScript } from './script.ts'
import type { DemoSession, Turn } from './turn.ts'

/** What the demo agent needs of the process it lives in. */
interface DemoAgentOptions {
  /** Version of clinvk, which is the demo agent's too. */
  readonly version: string
  /** Ends the process in the middle of a turn. */
  crash(exitCode: number): void
}

/**
 * The agent side of ACP for the demo agent: scripted, deterministic, no model, no network, no files. It keeps
 * its sessions in memory only, hence no `session/load`.
 */
export function createDemoAgent({ version, crash }: DemoAgentOptions): AgentApp {
  const sessions = new Map<string, DemoSession>()

  const requireSession = (id: string): DemoSession => {
    const session = sessions.get(id)
    if (!session) throw RequestError.invalidParams({ sessionId: id }, 'there is no such session')
    return session
  }

  return (
    agent({ name: 'clinvk-demo' })
      .onRequest('initialize', () => ({
        protocolVersion: 1,
        agentInfo: { name: 'clinvk-demo', title: 'clinvk demo agent (no model)', version },
        agentCapabilities: {
          loadSession: false,
          promptCapabilities: { image: true },
          sessionCapabilities: { close: {} },
        },
        authMethods: [],
      }))
      .onRequest('session/new', ({ params: { cwd, mcpServers } }) => {
        if (mcpServers.length > 0)
          throw RequestError.invalidParams(undefined, 'the demo agent uses no MCP servers')
        const id = `demo-${crypto.randomUUID()}`
        sessions.set(id, { id, cwd, prompts: [], toolCalls: 0 })
        return { sessionId: id }
      })
      .onRequest('session/prompt', async ({ params, signal, client }) => {
        const session = requireSession(params.sessionId)
        if (session.running)
          throw RequestError.invalidRequest(undefined, 'this session is busy with a prompt')
        const running = new AbortController()
        session.running = running
        const prompt = fromContentBlocks(params.prompt)
        try {
          const stop = AbortSignal.any([signal, running.signal])
          return await answer(toTurn(session, prompt, stop, client, crash))
        } finally {
          delete session.running
          session.prompts.push(prompt.text)
        }
      })
      .onRequest('session/close', ({ params: { sessionId } }) => {
        requireSession(sessionId).running?.abort()
        sessions.delete(sessionId)
      })
      // Registered last: the SDK tries handlers in this order, one microtask each, so a cancel that arrives
      // together with its prompt still finds it running.
      .onNotification('session/cancel', ({ params: { sessionId } }) =>
        sessions.get(sessionId)?.running?.abort(),
      )
  )
}

function toTurn(
  session: DemoSession,
  prompt: Prompt,
  signal: AbortSignal,
  client: AgentContext,
  crash: (exitCode: number) => void,
): Turn {
  const sessionId = session.id
  return {
    session,
    prompt,
    signal,
    sent: { text: 0, thought: 0 },
    send: (update) => client.notify('session/update', { sessionId, update }),
    async askPermission(toolCall) {
      const { outcome } = await client.request('session/request_permission', {
        sessionId,
        toolCall,
        options: [
          { optionId: 'allow', name: 'Allow', kind: 'allow_once' },
          { optionId: 'reject', name: 'Reject', kind: 'reject_once' },
        ],
      })
      return outcome
    },
    crash,
  }
}

async function answer(turn: Turn): Promise<PromptResponse> {
  try {
    for (const step of parseScript(turn.prompt.lastText)) {
      turn.signal.throwIfAborted()
      const stopReason = await runStep(step, turn)
      if (stopReason) return { stopReason, usage: usageOf(turn) }
    }
    return { stopReason: 'end_turn', usage: usageOf(turn) }
  } catch (thrown) {
    if (turn.signal.aborted) return { stopReason: 'cancelled', usage: usageOf(turn) }
    throw thrown
  }
}

/** Counted, not estimated: the words of the prompt and the messages sent. The kinds do not overlap, as OpenCode's. */
function usageOf({ prompt, sent }: Turn) {
  const inputTokens = countWords(prompt.text)
  return {
    inputTokens,
    outputTokens: sent.text,
    thoughtTokens: sent.thought,
    totalTokens: inputTokens + sent.text + sent.thought,
  }
}
