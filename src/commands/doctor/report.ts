import { type Static, Type } from '@sinclair/typebox'

const text = (description: string) => Type.String({ description })

/** How a check came out. `info` is worth knowing and nothing to do about; only `fail` keeps clinvk from working. */
const STATUSES = ['ok', 'info', 'warn', 'fail'] as const

/** The parts that are looked at, in the order in which they are told. */
const PARTS = ['clinvk', 'config', 'agent', 'agents', 'ask', 'store', 'disk', 'temp', 'port', 'keys'] as const

/** One thing that was looked at. */
export const Check = Type.Object(
  {
    part: Type.Union(
      PARTS.map((part) => Type.Literal(part)),
      { description: 'What was looked at. agents: all agents together.' },
    ),
    backend: Type.Optional(text('The backend, for agent and ask.')),
    status: Type.Union(
      STATUSES.map((status) => Type.Literal(status)),
      { description: 'fail: it has to be mended; warn: probably not meant; info: nothing to do.' },
    ),
    message: text('What was found, in one line.'),
    todo: Type.Optional(text('What to do about it.')),
    facts: Type.Optional(
      Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()]), {
        description: 'The same as numbers and names, which depend on the part.',
      }),
    ),
  },
  { description: 'One check.' },
)
export type Check = Static<typeof Check>

/** What `clinvk doctor --json` prints. */
export const DoctorReport = Type.Object(
  {
    ok: Type.Boolean({ description: 'Nothing failed. The exit code is then 0, else 1.' }),
    version: text('Version of clinvk.'),
    checks: Type.Array(Check, { description: 'Everything that was looked at.' }),
  },
  { $id: 'DoctorReport', description: 'What clinvk doctor has found.' },
)
export type DoctorReport = Static<typeof DoctorReport>

/** Puts checks together. */
export function toReport(version: string, checks: readonly Check[]): DoctorReport {
  return { ok: checks.every(({ status }) => status !== 'fail'), version, checks: [...checks] }
}

/** One line a check, and one more below it for what to do. The mark is a word, so that no colour is needed. */
export function checkLines(checks: readonly Check[]): string {
  const nameOf = ({ part, backend }: Check) => (part === 'ask' ? `ask ${backend}` : (backend ?? part))
  const width = Math.max(...checks.map((check) => nameOf(check).length))
  return checks
    .flatMap((check) => {
      const line = `${check.status.padEnd(4)}  ${nameOf(check).padEnd(width)}  ${check.message}`
      return check.todo === undefined ? [line] : [line, `${' '.repeat(width + 8)}-> ${check.todo}`]
    })
    .join('\n')
}

/** The last line: how it came out as a whole. */
export function verdict({ checks }: DoctorReport): string {
  const count = (status: Check['status']) => checks.filter((check) => check.status === status).length
  const [failed, warned] = [count('fail'), count('warn')]
  const warnings = warned === 0 ? '' : `, ${warned} ${warned === 1 ? 'warning' : 'warnings'}`
  if (failed === 0) return `All that is needed is well${warnings}.`
  return `${failed} ${failed === 1 ? 'check' : 'checks'} failed${warnings}. Mend what is marked fail.`
}
