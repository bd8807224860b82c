import { join } from 'node:path'
import { freePort } from '../../tests/support/free-port.ts'
import { ratioText, spread } from '../format.ts'
import type { Run } from '../group.ts'
import { runLoad } from '../load-job.ts'
import { type Child, end, type Place, start } from '../processes.ts'
import type { GroupResult } from '../report.ts'
import { openStage } from '../stage.ts'
import { ratio, summarize } from '../stats.ts'
import { processCpu, residentMemory } from '../usage.ts'

const CONNECTIONS = 16
const START_TIMEOUT_MS = 30_000
const POLL_MS = 2

const MAIN = join(import.meta.dir, '../../src/main.ts')
const BARE = join(import.meta.dir, '../bare/answer.ts')

/** What one server gave, round for round. */
interface Server {
  readonly startMs: number[]
  readonly memory: number[]
  readonly rate: number[]
  readonly cpu: number[]
}

/** What the server costs without any agent. */
export async function serverAlone({ rounds, quick, log }: Run): Promise<GroupResult> {
  const count = rounds ?? (quick ? 1 : 5)
  const forMs = quick ? 300 : 4000
  const restMs = quick ? 200 : 2000
  const time = { forMs, restMs }
  const place = await openStage('4')
  const served = emptyServer()
  const alone = emptyServer()
  for (let round = 0; round <= count; round++) {
    log(round === 0 ? 'warming up' : `round ${round} of ${count}`)
    const ours = round === 0 ? emptyServer() : served
    const answer = await measure(place, time, ours, (port) => [MAIN, 'serve', '--port', port])
    const bare = [BARE, JSON.stringify(answer.headers), answer.body]
    await measure(place, time, round === 0 ? emptyServer() : alone, (port) => bare.toSpliced(1, 0, port))
  }
  const row = (name: string, key: keyof Server, scale = 1) => [
    name,
    spread(summarize(served[key].map((value) => value * scale))),
    spread(summarize(alone[key].map((value) => value * scale))),
    ratioText(ratio(served[key], alone[key])),
  ]
  return {
    about: [
      `\`clinvk serve\` with its default configuration and all CLIs on its path, against a process of \`Bun.serve\` that answers with the same headers and the same bytes; by turns, rounds: ${count}, each with new processes, and one more before. The start is from before the process is started to the first 200 on \`/health\`, asked every ${POLL_MS} ms; the answer tells which CLIs are ready, so they have been looked for by then. Memory is that of the process ${restMs} ms later. Then a process of its own sends \`GET /health\` on ${CONNECTIONS} kept connections for ${forMs} ms, on each as soon as the last answer is there.`,
    ],
    tables: [
      {
        head: ['', 'clinvk', 'bare Bun.serve', 'ratio'],
        rows: [
          row('start to the first 200, ms', 'startMs'),
          row('memory at rest, MiB', 'memory', 1 / 1024 ** 2),
          row('requests a second', 'rate'),
          row('CPU µs a request', 'cpu'),
        ],
      },
    ],
    goals: [],
  }
}

function emptyServer(): Server {
  return { startMs: [], memory: [], rate: [], cpu: [] }
}

/** Starts a server, measures it, ends it, and tells what it answers. */
async function measure(
  place: Place,
  { forMs, restMs }: { forMs: number; restMs: number },
  into: Server,
  argv: (port: string) => readonly string[],
): Promise<{ headers: Record<string, string>; body: string }> {
  const port = await freePort()
  const began = performance.now()
  const child = start([process.execPath, '--no-env-file', ...argv(String(port))], place)
  try {
    const response = await firstAnswer(child, port)
    into.startMs.push(performance.now() - began)
    const answer = { headers: kept(response), body: await response.text() }
    await Bun.sleep(restMs)
    into.memory.push(residentMemory(child.pid))
    const before = processCpu(child.pid)
    const { ms, requests } = await runLoad(
      { type: 'requests', port, path: '/health', connections: CONNECTIONS, forMs },
      place,
    )
    into.rate.push((requests / ms) * 1000)
    into.cpu.push(((processCpu(child.pid) - before) / requests) * 1e6)
    return answer
  } finally {
    await end(child)
  }
}

async function firstAnswer(child: Child, port: number): Promise<Response> {
  const deadline = performance.now() + START_TIMEOUT_MS
  while (performance.now() < deadline && child.exitCode === null) {
    const response = await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined)
    if (response?.status === 200) return response
    await response?.body?.cancel()
    await Bun.sleep(POLL_MS)
  }
  throw new Error('The server did not start.')
}

/** The headers that a server sets by itself are not among them. */
function kept({ headers }: Response): Record<string, string> {
  return Object.fromEntries(
    [...headers].filter(([name]) => !['date', 'content-length', 'connection'].includes(name)),
  )
}
