import { TOOLS, toConnection, triedSentence } from '../../../src/commands/connect/tools.ts'
import type { Tool } from '../../../src/commands/connect/types.ts'

/** The settings of every tool, for a server as it is installed. */
export function connectPage(): string {
  return `${[HEAD, ...TOOLS.map(section)].join('\n\n')}\n`
}

const HEAD = `# Connect a client

<!-- Generated from src/commands/connect by \`bun run docs\`. -->
<!-- all run by tests/commands/connect-run.test.ts -->

\`clinvk connect TOOL\` prints these settings with the address of your server, a model that it has, and a key where it asks for one;
\`clinvk connect\` lists the tools. \`--url\` names another server, \`--model\` another model, \`--json\` prints the same for programs. It writes no file.

Here the server is \`http://127.0.0.1:8080\` without keys and the model \`claude\`; \`GET /openai/v1/models\` lists the others. A server with keys takes
one of them where it says \`not-needed\`: the printed settings then read it from the variable \`CLINVK_API_KEY\`, and no key is ever printed.

The tests run each tool that says "Tried with", with just these settings. The others follow the tools' own documentation and were not tried.`

function section(tool: Tool): string {
  const connection = toConnection(tool, { url: 'http://127.0.0.1:8080', model: 'claude', needsKey: false })
  const { title, pieces, check, notes } = connection
  const blocks = pieces.map(({ where, file, language, text }) => {
    const name = file === undefined ? '' : `\`${file}\`: `
    return `${name}${where}\n\n\`\`\`${language}\n${text}\`\`\``
  })
  const more = [`Check: ${inCode(check)}`, ...notes.map(plain), triedSentence(connection)]
  return [
    `## ${title}`,
    `\`clinvk connect ${tool.name}\``,
    ...blocks,
    more.map((line) => `- ${line}`).join('\n'),
  ].join('\n\n')
}

/** A check is a line for the shell or a sentence. */
function inCode(check: string): string {
  return /^(?:[A-Z_]+=\S+ )?[a-z]+ /.test(check) && !check.endsWith('.') ? `\`${check}\`` : plain(check)
}

/** What stands in angle brackets or asterisks would be taken for markup. */
function plain(text: string): string {
  return text.replace(/[<>*]/g, '\\$&')
}
