import { basename } from 'node:path'
import type { Capabilities } from '../types.ts'
import { gemini } from './gemini.ts'
import { opencode } from './opencode.ts'
import type { AcpProfile } from './profile.ts'

/** What is known of an agent by the command that starts it. An unknown one is taken for what the protocol says. */
export function profileOf(command: readonly string[]): AcpProfile {
  if (command.at(-1) === 'demo-agent') return demo
  // The second word, for a program that is started by an interpreter or a package runner.
  for (const part of command.slice(0, 2)) {
    const name = basename(part).replace(/\.(?:js|mjs|cjs|exe|cmd)$/, '')
    if (name === 'gemini' || name === 'gemini-cli') return gemini
    if (name === 'opencode' || name === 'opencode-ai') return opencode
  }
  return generic
}

const GENERIC: Capabilities = {
  deltas: true,
  thinking: true,
  toolEvents: true,
  usage: false,
  cost: true,
  // Told when a session opens; refused then where the agent cannot.
  images: 'native',
  systemPrompt: 'emulated',
  model: 'native',
  maxTurns: 'emulated',
  maxTokens: 'none',
  allowedTools: 'none',
  extraFlags: 'native',
  resume: true,
  fork: false,
  history: 'emulated',
  documents: 'none',
  profiles: ['full'],
  effort: 'none',
  jsonSchema: 'none',
  clientTools: 'none',
  toolChoice: 'none',
  // What it asks for is ours to decide, but nobody promises that it asks before it acts.
  approvalModes: { default: 'native', auto: 'native', none: 'native' },
  sandboxModes: { default: 'native', full: 'native' },
}

/** Any agent that speaks ACP, with nothing known but the protocol. */
export const generic: AcpProfile = {
  capabilities: GENERIC,
  args: [],
  env: {},
  startup: () => ({ args: [], env: {} }),
  commandMark: /^\//,
  usage: 'none',
  wholeThoughts: false,
  sessionsPerProcess: 0,
  loginHint: 'Log in with the agent itself first.',
  packaged: false,
}

/** The demo agent, which touches nothing whatever it is allowed. */
const demo: AcpProfile = {
  ...generic,
  capabilities: {
    ...GENERIC,
    usage: true,
    cost: false,
    model: 'none',
    resume: false,
    // It has no set-up that could be left out.
    profiles: ['pure', 'project', 'full'],
    sandboxModes: { ...GENERIC.sandboxModes, 'read-only': 'native', workspace: 'native' },
  },
  // It has no commands.
  commandMark: /^(?!)/,
  usage: 'turn',
}
