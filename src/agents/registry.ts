import type { AgentDriver, BackendSettings } from './types.ts'

/** The driver for a backend. Drivers are loaded when they are first needed; nothing is started. */
export async function createDriver(settings: BackendSettings): Promise<AgentDriver> {
  switch (settings.driver) {
    case 'claude':
      return (await import('./claude/driver.ts')).createClaudeDriver(settings)
    case 'codex':
      return (await import('./codex/driver.ts')).createCodexDriver(settings)
    case 'acp':
      return (await import('./acp/driver.ts')).createAcpDriver(settings)
    case 'exec':
      return (await import('./exec/driver.ts')).createExecDriver(settings)
  }
}
