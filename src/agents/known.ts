import type { DriverName } from './types.ts'

/** An agent that needs no configuration. */
export interface KnownAgent {
  readonly driver: DriverName
  readonly command: readonly string[]
  /** What to do where it is not installed. */
  readonly installHint: string
  /** The version that the tests drive, as `tests/agents/package.json` pins it. Others are expected to work. */
  readonly testedVersion: string
  /** What the classes of model mean for it; one that is not named is not offered. */
  readonly modelAliases: Readonly<Record<string, string>>
}

/** The agents that clinvk knows by itself, in the order in which a default is looked for. */
export const KNOWN_AGENTS: Readonly<Record<string, KnownAgent>> = {
  claude: {
    driver: 'claude',
    command: ['claude'],
    installHint: 'Claude Code: npm install -g @anthropic-ai/claude-code, then run claude once to log in.',
    testedVersion: '2.1.330',
    modelAliases: { fast: 'haiku', balanced: 'sonnet', best: 'opus' },
  },
  codex: {
    driver: 'codex',
    command: ['codex'],
    installHint: 'Codex: npm install -g @openai/codex, then run codex login.',
    testedVersion: '0.169.0',
    modelAliases: {},
  },
  gemini: {
    driver: 'acp',
    command: ['gemini', '--acp', '--skip-trust'],
    installHint: 'Gemini CLI: npm install -g @google/gemini-cli, then run gemini once to log in.',
    testedVersion: '0.61.0',
    modelAliases: { fast: 'gemini-2.5-flash', best: 'gemini-2.5-pro' },
  },
  opencode: {
    driver: 'acp',
    command: ['opencode', 'acp'],
    installHint: 'OpenCode: npm install -g opencode-ai, then run opencode auth login.',
    testedVersion: '1.18.33',
    modelAliases: {},
  },
}

/** The known agent of this name. */
export function knownAgent(name: string): KnownAgent | undefined {
  return Object.hasOwn(KNOWN_AGENTS, name) ? KNOWN_AGENTS[name] : undefined
}

/** The name of the embedded demo agent. */
export const DEMO_AGENT = 'demo'
/** Why there is none, where agents are installed and nobody asked for it. */
export const DEMO_IS_OFF = 'The demo agent is off because an agent is installed: start with --demo.'
