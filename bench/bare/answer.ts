/** Nothing but `Bun.serve` that answers everything with the same JSON. Its arguments: port, headers as JSON, body. */
const [port = '0', headers = '{}', body = ''] = process.argv.slice(2)

Bun.serve({
  hostname: '127.0.0.1',
  port: Number(port),
  fetch: () => new Response(body, { headers: JSON.parse(headers) }),
})
