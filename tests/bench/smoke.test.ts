import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { agentBin } from '../agents/install.ts'

const RUN = join(import.meta.dir, '../../bench/run.ts')

// The first test of all may have to install the agents.
test('a quick run of one group prints a report with its rows', async () => {
  await agentBin()
  const child = Bun.spawn([process.execPath, RUN, '--quick', '--only', '4'], { stderr: 'pipe' })
  const [report, log, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  expect({ code, log }).toEqual({ code: 0, log: expect.stringContaining('The server alone: round 1 of 1') })
  for (const row of [
    'start to the first 200, ms',
    'memory at rest, MiB',
    'requests a second',
    'CPU µs a request',
  ])
    expect(report).toMatch(new RegExp(`^\\| ${row} \\| [\\d.]+ .* \\| [\\d.]+ .* \\| [\\d.]+ .* \\|$`, 'm'))
  expect(report).not.toContain('failed')
  expect(report.match(/^## .*$/gm)).toEqual(['## 4. The server alone'])
}, 600_000)
