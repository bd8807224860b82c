/** A port of loopback that nobody uses. It may be taken again before it is used; then the server says so and ends. */
export async function freePort(): Promise<number> {
  const server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response() })
  const { port } = server
  await server.stop(true)
  if (port === undefined) throw new Error('There is no free port.')
  return port
}
