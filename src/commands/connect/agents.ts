import { fileKey, quoted, shellKey, shellText } from './keys.ts'
import { KEY_VARIABLE, type Tool } from './types.ts'

const AGENTS_PAGE = 'https://github.com/signalridge/clinvk/blob/main/docs/agents-as-clients.md'

/** Coding agents whose model server clinvk can be. */
export const AGENT_TOOLS: readonly Tool[] = [
  {
    name: 'claude-code',
    title: 'Claude Code',
    triedWith: 'Claude Code 2.1.330',
    pieces: (target) => [
      {
        where:
          "Only in the shell in which you start Claude Code. Not in the shell of clinvk serve and not in ~/.claude/settings.json: clinvk's own claude backend reads both and would ask itself.",
        language: 'sh',
        // A token counts before a login and is not asked about; beside it a key would be sent as well.
        text: `unset ANTHROPIC_API_KEY
export ANTHROPIC_BASE_URL=${shellText(`${target.url}/anthropic`)}
export ANTHROPIC_AUTH_TOKEN=${shellKey(target)}
export ANTHROPIC_MODEL=${shellText(target.model)}
export CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1
export CLAUDE_CODE_MAX_CONTEXT_TOKENS=200000
`,
      },
    ],
    check: () => "claude -p 'Say hello'",
    notes: () => [
      'It says that it does not know the model. That is harmless.',
      "CLAUDE_CODE_MAX_CONTEXT_TOKENS is the size of the model's context, so that Claude Code compacts in time. If the model has another size, put that there.",
    ],
  },
  {
    name: 'codex',
    title: 'Codex',
    triedWith: 'Codex 0.169.0',
    pieces: ({ url, model, needsKey }) => [
      {
        where:
          "A folder of its own for Codex with clinvk. Not ~/.codex/config.toml: clinvk's own codex backend reads that and would ask itself.",
        file: '~/.codex-clinvk/config.toml',
        language: 'toml',
        text: `model = ${quoted(model)}
model_provider = "clinvk"

[model_providers.clinvk]
name = "clinvk"
base_url = ${quoted(`${url}/openai/v1`)}
wire_api = "responses"
${needsKey ? `env_key = "${KEY_VARIABLE}"\n` : ''}`,
      },
    ],
    check: () => "CODEX_HOME=~/.codex-clinvk codex exec --skip-git-repo-check 'Say hello'",
    notes: () => [
      'Set CODEX_HOME for this Codex only, as in the check, and never in the shell of clinvk serve.',
      'It says "Model metadata for … not found". That is harmless.',
      `Which tools it has depends on the name of the model: see ${AGENTS_PAGE}.`,
    ],
  },
  {
    name: 'opencode',
    title: 'OpenCode',
    triedWith: 'OpenCode 1.18.33',
    pieces: (target) => [
      {
        where:
          "In the folder of a project. Not in ~/.config/opencode: clinvk's own opencode backend reads that too and would ask clinvk in turn, as it does in that folder.",
        file: 'opencode.json',
        language: 'json',
        text: json({
          $schema: 'https://opencode.ai/config.json',
          model: `clinvk/${target.model}`,
          provider: {
            clinvk: {
              npm: '@ai-sdk/openai-compatible',
              name: 'clinvk',
              options: {
                baseURL: `${target.url}/openai/v1`,
                apiKey: fileKey(target, (name) => `{env:${name}}`),
              },
              models: { [target.model]: {} },
            },
          },
        }),
      },
    ],
    check: () => "opencode run 'Say hello'",
    notes: () => [
      'It has each conversation named by a call of its own: "small_model" gives that to another model.',
    ],
  },
  {
    name: 'cline',
    title: 'Cline',
    pieces: (target) => [
      {
        where: 'In VS Code: the settings of the Cline panel.',
        language: 'text',
        text: `API Provider: OpenAI Compatible
Base URL: ${target.url}/openai/v1
API Key: ${target.needsKey ? `the value of ${KEY_VARIABLE}` : fileKey(target, String)}
Model ID: ${target.model}
`,
      },
      {
        where: 'On the command line: once, in a shell.',
        language: 'sh',
        text: `cline auth -p openai -k ${shellKey(target)} -m ${shellText(target.model)} -b ${shellText(`${target.url}/openai/v1`)}
`,
      },
    ],
    check: () => 'Ask it "What is 2 + 2?" in the panel, or: cline "What is 2 + 2?"',
  },
  {
    name: 'continue',
    title: 'Continue',
    pieces: (target) => [
      {
        where: 'A file of its own, or its entry of "models" in the one that is there.',
        file: '~/.continue/config.yaml',
        language: 'yaml',
        text: `name: clinvk
version: 0.0.1
schema: v1
models:
  - name: clinvk
    provider: openai
    model: ${quoted(target.model)}
    apiBase: ${quoted(`${target.url}/openai/v1`)}
    apiKey: ${quoted(fileKey(target, (name) => `\${{ secrets.${name} }}`))}
    roles:
      - chat
      - edit
      - apply
    capabilities:
      - tool_use
`,
      },
    ],
    check: () => 'Choose clinvk below the chat of Continue and ask it something.',
    notes: ({ needsKey }) =>
      needsKey ? [`Secrets are read from ~/.continue/.env: a line ${KEY_VARIABLE}=… there.`] : [],
  },
  {
    name: 'aider',
    title: 'aider',
    pieces: (target) => [
      {
        where:
          'In the shell that aider is started in, or without "export" as .env in the folder of the project.',
        language: 'sh',
        text: `export OPENAI_API_BASE=${shellText(`${target.url}/openai/v1`)}
export OPENAI_API_KEY=${shellKey(target)}
`,
      },
      {
        where: 'In the folder of the project, or in your home folder.',
        file: '.aider.conf.yml',
        language: 'yaml',
        text: `model: ${quoted(`openai/${target.model}`)}
weak-model: ${quoted(`openai/${target.model}`)}
show-model-warnings: false
`,
      },
    ],
    check: () => "aider --message 'Say hello'",
  },
  {
    name: 'zed',
    title: 'Zed',
    pieces: (target) => [
      {
        where: 'In the settings file (zed: open settings file): this member beside those that are there.',
        file: '~/.config/zed/settings.json',
        language: 'json',
        text: json({
          language_models: {
            openai_compatible: {
              clinvk: {
                api_url: `${target.url}/openai/v1`,
                available_models: [
                  { name: target.model, display_name: `clinvk ${target.model}`, max_tokens: 200_000 },
                ],
              },
            },
          },
          agent: { default_model: { provider: 'clinvk', model: target.model } },
        }),
      },
      {
        where:
          'In the shell that Zed is started in; or enter it as the key of the provider clinvk in the settings of the agent.',
        language: 'sh',
        text: `export ${KEY_VARIABLE}=${target.needsKey ? shellKey(target) : fileKey(target, String)}
`,
      },
    ],
    check: () => 'Choose the model of clinvk in the agent panel and ask it something.',
    notes: () => ["max_tokens is the model's context: put the real one there."],
  },
]

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}
