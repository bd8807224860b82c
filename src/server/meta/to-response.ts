import type { Capabilities } from '../../agents/types.ts'
import type { BackendInfo } from '../../engine/types.ts'
import type { Backend, BackendsResponse, HealthResponse } from './schema.ts'

/** Translates the list of backends. */
export function toBackendsResponse(backends: readonly BackendInfo[]): BackendsResponse {
  return { backends: backends.map(toBackend) }
}

/** The health of the server. It is told to everyone, so it says no more than what is up. */
export function toHealthResponse(
  backends: readonly BackendInfo[],
  version: string,
  uptimeMs: number,
): HealthResponse {
  const enabled = backends.filter((backend) => backend.enabled)
  return {
    status: enabled.some(({ configured, available }) => configured && !available) ? 'degraded' : 'ok',
    version,
    uptime_s: Math.floor(uptimeMs / 1000),
    demo: enabled.some(({ demo }) => demo),
    backends: Object.fromEntries(enabled.map(({ name, ready }) => [name, { ready }])),
  }
}

function toBackend(info: BackendInfo): Backend {
  return {
    name: info.name,
    driver: info.driver,
    available: info.available,
    ready: info.ready,
    ...(info.reason === undefined ? {} : { reason: info.reason }),
    enabled: info.enabled,
    configured: info.configured,
    default: info.default,
    demo: info.demo,
    ...(info.version === undefined ? {} : { version: info.version }),
    models: [...info.models],
    capabilities: toCapabilities(info.capabilities),
  }
}

function toCapabilities(can: Capabilities): Backend['capabilities'] {
  return {
    deltas: can.deltas,
    thinking: can.thinking,
    tool_events: can.toolEvents,
    usage: can.usage,
    cost: can.cost,
    images: can.images,
    documents: can.documents,
    system_prompt: can.systemPrompt,
    model: can.model,
    max_turns: can.maxTurns,
    max_tokens: can.maxTokens,
    allowed_tools: can.allowedTools,
    extra: can.extraFlags,
    resume: can.resume,
    fork: can.fork,
    history: can.history,
    json_schema: can.jsonSchema,
    client_tools: can.clientTools,
    tool_choice: can.toolChoice,
    effort: can.effort,
    profiles: [...can.profiles],
    approval_modes: { ...can.approvalModes },
    sandbox_modes: { ...can.sandboxModes },
  }
}
