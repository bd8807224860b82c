import { profileOf } from '../../../src/agents/acp/profiles.ts'
import { CLAUDE_CAPABILITIES } from '../../../src/agents/claude/driver.ts'
import { CODEX_CAPABILITIES } from '../../../src/agents/codex/driver.ts'
import { execCapabilities } from '../../../src/agents/exec/driver.ts'
import { KNOWN_AGENTS } from '../../../src/agents/known.ts'
import type { Capabilities, Support } from '../../../src/agents/types.ts'

/** What each backend can do, from what its driver declares. */
export function backendsPage(): string {
  return `${[HEAD, capabilityTable(), TAIL, installTable()].join('\n\n')}\n`
}

const COLUMNS: readonly (readonly [name: string, capabilities: Capabilities])[] = [
  ['claude', CLAUDE_CAPABILITIES],
  ['codex', CODEX_CAPABILITIES],
  ['gemini', profileOf(['gemini']).capabilities],
  ['opencode', profileOf(['opencode']).capabilities],
  ['any ACP', profileOf(['an-agent']).capabilities],
  [
    'exec',
    execCapabilities({
      name: 'x',
      driver: 'exec',
      command: ['x', '{model}'],
      env: {},
      models: [],
      extraFlags: [],
    }),
  ],
]

const ROWS: readonly (readonly [label: string, read: (capabilities: Capabilities) => string])[] = [
  ['text as it is written', ({ deltas }) => yesNo(deltas)],
  ['thinking', ({ thinking }) => yesNo(thinking)],
  ['tool calls and results', ({ toolEvents }) => yesNo(toolEvents)],
  ['tokens', ({ usage }) => yesNo(usage)],
  ['cost', ({ cost }) => yesNo(cost)],
  ['`images`', ({ images }) => images],
  ['documents (PDF)', ({ documents }) => documents],
  ['earlier messages', ({ history }) => history],
  ["tools of the client's own", ({ clientTools }) => clientTools],
  ['`tool_choice` required or named', ({ toolChoice }) => toolChoice],
  ['answers by a JSON Schema', ({ jsonSchema, systemPrompt }) => heldBy(jsonSchema, systemPrompt)],
  ['effort of thinking', ({ effort }) => effort],
  ['chat profiles', ({ profiles }) => profiles.join(', ')],
  ['`system_prompt`', ({ systemPrompt }) => systemPrompt],
  ['`model`', ({ model }) => model],
  ['`max_turns`', ({ maxTurns }) => maxTurns],
  ['`max_tokens`', ({ maxTokens }) => maxTokens],
  ['`allowed_tools`', ({ allowedTools }) => allowedTools],
  ['`approval_mode`', ({ approvalModes }) => Object.keys(approvalModes).join(', ')],
  ['`sandbox_mode`', ({ sandboxModes }) => Object.keys(sandboxModes).join(', ')],
  ['goes on after its process ended', ({ resume }) => yesNo(resume)],
]

/** Without means of its own an agent is told the schema as its system prompt. */
function heldBy(jsonSchema: Support, systemPrompt: Support): Support {
  if (jsonSchema !== 'none') return jsonSchema
  return systemPrompt === 'none' ? 'none' : 'emulated'
}

const HEAD = `# Backends

<!-- Generated from what the drivers declare by \`bun run docs\`. -->

\`native\`: by the agent's own protocol. \`emulated\`: done by clinvk. \`none\`: refused. \`GET /api/v1/backends\` tells the same for a running server.`

const TAIL = `- \`max_turns\` emulated: the turn is interrupted as soon as the model speaks once more; that one call may have been made.
- \`tool_choice\` on gemini: where the request, the backend's \`model\` or \`GEMINI_MODEL\` in its environment names the model (\`gemini-…\`), not where Gemini
  CLI chooses it; and not under the profile \`full\`.
- tokens of gemini and opencode: told at the end of a turn alone, so not with calls of the client's tools. The end tells on gemini all of the turn, on
  opencode the model's last call, and nothing where the agent's own tools were called before it.
- \`system_prompt\` emulated: clearly delimited in front of the first prompt of a session.
- Answers by a JSON Schema: Codex takes schemas that OpenAI's strict mode can express; others are emulated, by instruction, check and one repair.
- \`exec\`: \`model\` where the command has \`{model}\` in an argument.

## Approval and sandbox

\`sandbox_mode\` is the ceiling on what may happen; \`approval_mode\` says who decides when the agent asks. Nobody can be asked while an agent
works for an HTTP client, so what is asked for is denied and the stream shows it, unless the mode approves it.

| \`approval_mode\` | What the agent asks for is |
|---|---|
| \`default\` | denied; what the agent does without asking is up to its own settings |
| \`auto\` | approved for file edits in the working directory, else denied |
| \`none\` | approved |
| \`always\` | denied, and it has to ask for everything |

## Add a backend

An agent that speaks ACP:

\`\`\`yaml
backends:
  goose:
    driver: acp
    command: [goose, acp]
\`\`\`

Any command that reads a prompt on stdin and prints its answer:

\`\`\`yaml
backends:
  llama:
    driver: exec
    command: [ollama, run, "{model}"]
    model: llama3
\`\`\`

With \`output: json\` it prints one JSON object a line, of which \`text\` (or \`json_text_field\`) is the answer. A command remembers nothing,
so a session of it takes one prompt.

## The known ones`

function capabilityTable(): string {
  const head = `| | ${COLUMNS.map(([name]) => name).join(' | ')} |`
  const rows = ROWS.map(
    ([label, read]) => `| ${label} | ${COLUMNS.map(([, capabilities]) => read(capabilities)).join(' | ')} |`,
  )
  return [head, `|---|${'---|'.repeat(COLUMNS.length)}`, ...rows].join('\n')
}

function installTable(): string {
  const rows = Object.entries(KNOWN_AGENTS).map(
    ([name, { command, installHint, modelAliases }]) =>
      `| ${name} | \`${command.join(' ')}\` | ${installHint} | ${Object.entries(modelAliases)
        .map(([alias, model]) => `${alias} = ${model}`)
        .join(', ')} |`,
  )
  return ['| Name | Command | How to get it | Models by class |', '|---|---|---|---|', ...rows].join('\n')
}

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no'
}
