import { scripts } from '../../package.json'

/** What a reader puts in the place of a word in capitals. */
export const PLACEHOLDERS: Readonly<Record<string, string>> = {
  TOOL: 'curl',
  MODEL: 'codex',
  FILE: '/dev/null',
}

const WITH_DOCKER = 'It needs the engine of Docker; tests/docker/check.ts does the same with what is there.'
const WITH_ACCOUNT = 'It needs an account.'
const CHECKED = 'tests/commands/connect.test.ts checks the settings; the tool is no part of the tests.'
const BY_CONNECT = 'tests/commands/connect-run.test.ts runs it with the settings of its section.'
const BY_CLINVK = 'clinvk starts it, so every test of the real agent does.'
const BY_MANAGER = "It needs the machine's service manager."

/** The commands in sentences that no test runs as they are, and why. */
export const FOREIGN: Readonly<Record<string, string>> = {
  "aider --message 'Say hello'": CHECKED,
  'apk add libstdc++ libgcc': 'It needs Alpine.',
  "claude -p 'Say hello'": BY_CONNECT,
  'claude setup-token': WITH_ACCOUNT,
  'clinvk [prompt]': 'It is said not to be there yet.',
  "CODEX_HOME=~/.codex-clinvk codex exec --skip-git-repo-check 'Say hello'": BY_CONNECT,
  'docker build -t ghcr.io/signalridge/clinvk .': WITH_DOCKER,
  'docker logs clinvk': WITH_DOCKER,
  'docker stop': WITH_DOCKER,
  'docker stop --time 45': WITH_DOCKER,
  'docker exec clinvk clinvk': WITH_DOCKER,
  'echo "$OPENAI_API_KEY" | docker run --rm -i -v clinvk-home:/home/clinvk ghcr.io/signalridge/clinvk codex login --with-api-key':
    WITH_DOCKER,
  'gemini --acp --skip-trust': BY_CLINVK,
  'journalctl --user-unit clinvk --follow': BY_MANAGER,
  'loginctl enable-linger': BY_MANAGER,
  'opencode acp': BY_CLINVK,
  "opencode run 'Say hello'": BY_CONNECT,
  'sudo env PATH="$PATH" clinvk service install --system': BY_MANAGER,
  'tail -f ~/Library/Logs/clinvk.log': BY_MANAGER,
  'bun add -g clinvk': 'tests/package/npm.test.ts installs the package from its tarball.',
  'npm install -g clinvk': 'tests/package/npm.test.ts installs the package from its tarball.',
  'bun install': 'Whatever begins a test has run it.',
  'bun src/main.ts': 'Every test of a command starts it.',
}

/** A command as `inline.test.ts` runs it, or undefined where it is not ours. */
export function toRun(command: string): string | undefined {
  if (command in FOREIGN) return undefined
  const ours = /^(?:npx |bunx )?(clinvk\b.*)$/.exec(command)?.[1]
  return ours?.replaceAll(/\b[A-Z]+\b/g, (word) => PLACEHOLDERS[word] ?? word)
}

/** Whether it is a script of package.json; what it does is tested where it is used. */
export function isScript(command: string): boolean {
  const name = /^(?:bun run|npm run|npm) ([\w:]+)(?: |$)/.exec(command)?.[1]
  return name !== undefined && name in scripts
}
