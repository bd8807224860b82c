import { RpcError } from '../../process/json-rpc.ts'
import { items, word } from '../fields.ts'
import type { Effort } from '../messages.ts'
import type { AppServer } from './app-server.ts'

/**
 * The word for an effort that a model takes. Codex sends whatever it is given, so the nearest of those that it lists
 * for the model is chosen, the lower one of two that are as near. A model that it does not list, of a provider of the
 * user's own for example, is asked for what was asked for.
 */
export async function effortFor(
  server: AppServer,
  model: string | undefined,
  asked: Effort,
): Promise<string> {
  const listed = (await listEfforts(server)).get(model ?? '') ?? []
  return nearestEffort(asked, listed)
}

/** The nearest of the efforts that are offered; `asked` itself where none of them is known. */
export function nearestEffort(asked: Effort, offered: readonly string[]): string {
  const wanted = SCALE.indexOf(asked)
  const known = SCALE.filter((step) => offered.includes(step))
  const distance = (step: Effort) => Math.abs(SCALE.indexOf(step) - wanted)
  return known.reduce((best, step) => (distance(step) < distance(best) ? step : best), known[0] ?? asked)
}

const SCALE: readonly Effort[] = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']

const lists = new WeakMap<AppServer, Promise<ReadonlyMap<string, readonly string[]>>>()

/** Asked once of each process. */
function listEfforts(server: AppServer): Promise<ReadonlyMap<string, readonly string[]>> {
  const known = lists.get(server)
  if (known) return known
  const asking = askEfforts(server)
  lists.set(server, asking)
  asking.catch(() => lists.delete(server))
  return asking
}

async function askEfforts(server: AppServer): Promise<ReadonlyMap<string, readonly string[]>> {
  try {
    const { data } = await server.request('model/list', { includeHidden: true })
    return new Map(
      items(data).flatMap((model) => {
        const efforts = items(model['supportedReasoningEfforts']).flatMap(
          ({ reasoningEffort }) => word(reasoningEffort) ?? [],
        )
        return [word(model['id']) ?? [], word(model['model']) ?? []]
          .flat()
          .map((name) => [name, efforts] as const)
      }),
    )
  } catch (error) {
    if (error instanceof RpcError) return new Map()
    throw error
  }
}
