import { type Definition, METRICS, PREFIX } from '../../../src/server/metrics/definitions.ts'
import { cell } from './schema-table.ts'

/** What can be measured, and how it is read. */
export function metricsPage(): string {
  return `${[HEAD, metricTable(), TAIL].join('\n\n')}\n`
}

const HEAD = `# Metrics

<!-- Generated from src/server/metrics/definitions.ts by \`bun run docs\`. -->

\`GET /metrics\` answers in the text format of Prometheus where the configuration says so; else it is a 404 like any other address.

\`\`\`yaml
server:
  metrics_enabled: true
\`\`\`

It is guarded as everything is: where there are API keys it needs one, and a \`Host\` that is no name of this machine is refused
(\`server.allowed_hosts\`). Prometheus sends a key as a bearer token:

<!-- not run: Prometheus is no part of the tests -->
\`\`\`yaml
scrape_configs:
  - job_name: clinvk
    authorization:
      credentials_file: /etc/prometheus/clinvk.key # one of CLINVK_API_KEYS
    static_configs:
      - targets: ["127.0.0.1:8080"]
\`\`\`

What runs at this moment, with the process ids, is told in JSON by \`GET /api/v1/pool\`.

## What is measured

No label holds what a client made up: \`backend\` is a name of the configuration, \`route\` the declared pattern (\`other\` for an address that
leads nowhere), \`outcome\` is \`done\`, \`cancelled\` or a code of the [table of errors](http-api.md#errors), and a status that only a model
provider knows is given by its class. Prompts, folders, models and sessions are nowhere in it.

A turn is one prompt on one agent. What an agent does not tell is not counted: \`clinvk_cost_usd_total\` of Codex is missing, not 0.`

function metricTable(): string {
  const rows = Object.entries<Definition>(METRICS).map(([name, { type, labels, help }]) => {
    const named = labels.map((label) => `\`${label}\``).join(', ')
    return `| \`${PREFIX}${name}\` | ${type} | ${named} | ${cell(help)} |`
  })
  return ['| Metric | Type | Labels | Meaning |', '|---|---|---|---|', ...rows].join('\n')
}

const TAIL = `\`start\` is what a turn began on: \`warm\`, a session that was alive; \`spare\`, a new session in a process that ran already; \`cold\`, a process
that was started for it; \`unknown\` where nothing is kept, as for \`exec\`.

The clock to the first text stops while the reader takes its time, so a slow client does not make an agent look slow. \`turn_seconds\` has
everything in it.

## Queries

| Question | Query |
|---|---|
| How long until the first words, for nineteen in twenty? | \`histogram_quantile(0.95, sum by (le, backend) (rate(clinvk_first_text_seconds_bucket[5m])))\` |
| What does a kept process save? | \`sum by (start) (rate(clinvk_first_text_seconds_sum[1h])) / sum by (start) (rate(clinvk_first_text_seconds_count[1h]))\` |
| How many prompts need a new process? | \`sum by (backend) (rate(clinvk_sessions_opened_total{start="cold"}[15m])) / sum by (backend) (rate(clinvk_sessions_opened_total[15m]))\` |
| How many turns fail, those that were cancelled aside? | \`sum by (backend) (rate(clinvk_turns_total{outcome!~"done\\|cancelled"}[5m])) / sum by (backend) (rate(clinvk_turns_total[5m]))\` |
| Do prompts wait? | \`max_over_time(clinvk_queue_waiting[10m]) > 0\` |
| Do agents die? | \`increase(clinvk_process_deaths_total[1h]) > 0\` |
| What do the agents take? | \`sum by (backend) (clinvk_process_memory_bytes)\` |
| Tokens in a minute | \`sum by (backend, kind) (rate(clinvk_tokens_total[5m])) * 60\` |`
