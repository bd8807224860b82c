import type { Message } from './lines.ts'

/** Sessions that a server has opened with an agent so far, by `GET /api/v1/pool`; `undefined` where it does not tell. */
export async function openedSessions(url: string, agent: string): Promise<number | undefined> {
  const response = await fetch(`${url}/api/v1/pool`)
  if (response.ok) return readOpened(await response.json(), agent)
  await response.body?.cancel()
  return undefined
}

/** A backend that has not been used yet may be left out. */
export function readOpened({ backends }: Message, agent: string): number | undefined {
  if (typeof backends !== 'object' || backends === null) return undefined
  const entry = Array.isArray(backends)
    ? backends.find(({ name, backend }) => (name ?? backend) === agent)
    : backends[agent]
  const opened: Record<string, number> = entry?.opened ?? {}
  return Object.values(opened).reduce((sum, count) => sum + count, 0)
}
