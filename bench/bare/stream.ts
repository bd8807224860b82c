/**
 * Nothing but `Bun.serve` that streams the events that clinvk streams for the demo agent's `tokens=N size=BYTES`: made one by
 * one, each a piece of its own. Prints its address.
 */
const encoder = new TextEncoder()

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  async fetch(request) {
    const { prompt } = (await request.json()) as { prompt: string }
    const [, count = '0', size = '1'] = /tokens=(\d+) size=(\d+)/.exec(prompt) ?? []
    const session_id = `ses_${crypto.randomUUID().replaceAll('-', '')}`
    const last = Number(count) + 2
    let sequence = 0
    return new Response(
      new ReadableStream({
        pull(controller) {
          sequence++
          const type = sequence === 1 ? 'init' : sequence === last ? 'done' : 'message'
          const timestamp = new Date().toISOString()
          const content = type === 'message' ? String(sequence - 1).padStart(Number(size), '.') : {}
          const event = { type, backend: 'demo', session_id, timestamp, sequence, content }
          controller.enqueue(
            encoder.encode(`id: ${sequence}\nevent: ${type}\ndata: ${JSON.stringify(event)}\n\n`),
          )
          if (sequence === last) controller.close()
        },
      }),
      { headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store, no-transform' } },
    )
  },
})
console.log(`http://127.0.0.1:${server.port}`)
