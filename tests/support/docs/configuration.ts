import type { TSchema } from '@sinclair/typebox'
import { ConfigSchema } from '../../../src/config/schema.ts'
import { isUnused } from '../../../src/config/unused.ts'
import { cell, valuesOf } from './schema-table.ts'

const HEAD = `# Configuration

<!-- Generated from src/config by \`bun run docs\`. -->

Flags win over environment variables, those over the file, the file over the defaults. The file is \`~/.clinvk/config.yaml\`; \`--config\` or
\`CLINVK_CONFIG\` names another, \`CLINVK_HOME\` another folder than \`~/.clinvk\`. An unknown key or a bad value stops the start and is named
with its line, its column and the nearest key that exists.

\`\`\`yaml
default_backend: claude
backends:
  claude:
    model: opus
  codex:
    sandbox_mode: read-only
server:
  port: 8081
  allowed_workdir_prefixes: [~/projects]
session:
  retention_days: 7
\`\`\`

\`clinvk doctor\` checks it.

| Variable | Sets |
|---|---|
| \`CLINVK_BACKEND\` | \`default_backend\` |
| \`CLINVK_<NAME>_MODEL\` | \`backends.<name>.model\`, such as \`CLINVK_CLAUDE_MODEL\` |
| \`CLINVK_HOST\`, \`CLINVK_PORT\` | \`server.host\`, \`server.port\` |
| \`CLINVK_API_KEYS\` | the API keys, separated by commas; they have no place in the file |
| \`CLINVK_API_KEYS_GOPASS_PATH\` | \`server.api_keys_gopass_path\` |

\`clinvk serve\` takes \`--config\`, \`--host\`, \`--port\` (\`-p\`), \`--demo\`, and \`--env-file\` for a file
of variables, \`NAME=value\` a line, which win over those of the environment.
`

/** The reference of every key of the configuration file. */
export function configurationPage(): string {
  const rows = [...rowsOf(ConfigSchema, '')]
  const sections = Map.groupBy(rows, ({ key }) => (key.includes('.') ? (key.split('.')[0] ?? '') : ''))
  const tables = [...sections].map(([name, inside]) => {
    const title = name === '' ? 'Top level' : `\`${name}\``
    const lines = inside.map(
      ({ key, values, fallback, meaning }) => `| \`${key}\` | ${values} | ${fallback} | ${meaning} |`,
    )
    return [
      `## ${title}`,
      '',
      '| Key | Values | Default | Meaning |',
      '|---|---|---|---|',
      ...lines,
      '',
    ].join('\n')
  })
  return `${[HEAD, ...tables].join('\n').trimEnd()}\n`
}

function* rowsOf(schema: TSchema, prefix: string): Generator<Row> {
  for (const [name, property] of Object.entries<TSchema>(schema['properties'] ?? {})) {
    const key = prefix === '' ? name : `${prefix}.${name}`
    const patterns = Object.values<TSchema>(property['patternProperties'] ?? {})
    const [each] = patterns
    if (property['properties']) yield* rowsOf(property, key)
    else if (each?.['properties']) yield* rowsOf(each, `${key}.<name>`)
    else
      yield {
        key,
        values: valuesOf(property),
        fallback: fallbackOf(property),
        meaning: meaningOf(key, property),
      }
  }
}

interface Row {
  readonly key: string
  readonly values: string
  readonly fallback: string
  readonly meaning: string
}

function fallbackOf(schema: TSchema): string {
  return schema.default === undefined ? '' : `\`${JSON.stringify(schema.default)}\``
}

function meaningOf(key: string, schema: TSchema): string {
  const { unit, description = '' } = schema
  const known = unit === undefined || saysUnit(`${key} ${description}`.toLowerCase(), unit)
  const unused = isUnused(key) ? ' **No effect yet.**' : ''
  return cell(`${description}${known ? '' : ` In ${unit}.`}${unused}`)
}

function saysUnit(text: string, unit: string): boolean {
  return text.includes(unit) || (unit === 'seconds' && text.includes('_secs '))
}
