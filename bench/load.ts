/**
 * The client of a load, a process of its own so that its work is not the server's: `bun bench/load.ts JOB`, where the
 * job is JSON. It prints what it has measured as a line of JSON.
 */
import type { LoadJob, RequestsDone, StreamsDone } from './load-job.ts'

const DELTA = 'event: message\n'

if (import.meta.main) {
  const job = JSON.parse(process.argv[2] ?? '{}') as LoadJob
  const done = job.type === 'streams' ? await readStreams(job) : await sendRequests(job)
  process.stdout.write(`${JSON.stringify(done)}\n`)
}

/** Reads streams at once, each to its end, and counts their deltas. */
async function readStreams({
  url,
  streams,
  body,
}: Extract<LoadJob, { type: 'streams' }>): Promise<StreamsDone> {
  const began = performance.now()
  const each = await Promise.all(Array.from({ length: streams }, () => readStream(url, body)))
  return {
    ms: performance.now() - began,
    deltas: each.reduce((sum, deltas) => sum + deltas, 0),
  }
}

async function readStream(url: string, body: unknown): Promise<number> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!response.ok || !response.body) throw new Error(`It answered ${response.status}.`)
  let deltas = 0
  let rest = Buffer.alloc(0)
  for await (const chunk of response.body) {
    const bytes = Buffer.concat([rest, chunk])
    for (let at = bytes.indexOf(DELTA); at !== -1; at = bytes.indexOf(DELTA, at + DELTA.length)) deltas++
    // The start of one whose other part is in the next chunk, and never a whole one.
    rest = bytes.subarray(-DELTA.length + 1)
  }
  return deltas
}

/** Sends the same request on some connections, on each as soon as the last answer is there, for a while. */
async function sendRequests({
  port,
  path,
  connections,
  forMs,
}: Extract<LoadJob, { type: 'requests' }>): Promise<RequestsDone> {
  const request = `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\naccept: application/json\r\n\r\n`
  const began = performance.now()
  const each = await Promise.all(
    Array.from({ length: connections }, () => keepAsking(port, request, began + forMs)),
  )
  return { ms: performance.now() - began, requests: each.reduce((sum, count) => sum + count, 0) }
}

async function keepAsking(port: number, request: string, until: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  let text = ''
  let answers = 0
  const socket = await Bun.connect({
    hostname: '127.0.0.1',
    port,
    socket: {
      data(socket, chunk) {
        text += chunk.toString('latin1')
        const head = text.indexOf('\r\n\r\n')
        if (head === -1) return
        const length = /^HTTP\/1\.1 200 .*\r\ncontent-length: (\d+)/is.exec(text.slice(0, head))?.[1]
        if (length === undefined) return reject(new Error(`It answered ${text.slice(0, head)}`))
        if (text.length < head + 4 + Number(length)) return
        text = ''
        answers++
        if (performance.now() < until) socket.write(request)
        else resolve(answers)
      },
      close: () => reject(new Error('It closed the connection.')),
      error: (_, error) => reject(error),
    },
  })
  socket.write(request)
  const count = await promise
  socket.end()
  return count
}
