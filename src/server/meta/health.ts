import type { BackendInfo, Engine } from '../../engine/types.ts'

/** How long an answer may take, in ms: whoever asks for the health of a server gives up soon. */
const PATIENCE_MS = 50
/** How long what was found is told, in ms: agents are not looked for again for each of many questions. */
const KEPT_MS = 1000

/** What the health of the server is told from. `now` is in ms and only its differences count. */
export function createHealthLook(
  engine: Pick<Engine, 'backends'>,
  now: () => number,
): () => Promise<readonly BackendInfo[]> {
  let last: { readonly at: number; readonly backends: Promise<readonly BackendInfo[]> } | undefined
  return () => {
    if (!last || now() - last.at >= KEPT_MS) {
      const look = { at: now(), backends: engine.backends(PATIENCE_MS) }
      last = look
      look.backends.catch(() => {
        if (last === look) last = undefined
      })
    }
    return last.backends
  }
}
