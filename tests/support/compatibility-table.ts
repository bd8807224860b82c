/** What came of trying one version of an agent. */
export interface Tried {
  readonly agent: string
  readonly version: string
  /** Such as `2026-11-27`. */
  readonly on: string
  readonly passed: number
  readonly failed: number
}

const HEAD = `# Which versions work

<!-- Written by \`bun run compatibility\`. -->

Each version of an agent that the tests of this repository were run with, against a mock model provider. Another version will
probably work as well: unknown events of an agent are ignored, and what an agent refuses is told.

| Agent | Version | Last tried | Tests passed | Tests failed |
|---|---|---|---|---|
`

const LINE = /^\| (\S+) \| (\S+) \| (\d{4}-\d\d-\d\d) \| (\d+) \| (\d+) \|$/gm

/** The lines of a page with those of today; a version that was tried again has its line only once. */
export function withTried(page: string, tried: readonly Tried[]): Tried[] {
  const before = [...page.matchAll(LINE)].map(([, agent = '', version = '', on = '', passed, failed]) => ({
    agent,
    version,
    on,
    passed: Number(passed),
    failed: Number(failed),
  }))
  const isTried = (line: Tried) =>
    tried.some(({ agent, version }) => agent === line.agent && version === line.version)
  return [...before.filter((line) => !isTried(line)), ...tried]
}

/** The page; the newest version of each agent first. */
export function toTable(lines: readonly Tried[]): string {
  const sorted = lines.toSorted(
    (a, b) => a.agent.localeCompare(b.agent) || Bun.semver.order(b.version, a.version),
  )
  const rows = sorted.map(
    ({ agent, version, on, passed, failed }) => `| ${agent} | ${version} | ${on} | ${passed} | ${failed} |`,
  )
  return `${HEAD}${rows.join('\n')}\n`
}
