import type { Engine } from '../../../engine/types.ts'

/** An engine whose turns are the caller's, and noted as tasks of a run: each can be found, and cancelled, by its own id. */
export function withNotes(
  { start, runs }: Pick<Engine, 'start' | 'runs'>,
  runId: string,
  caller: string,
): Pick<Engine, 'start'> {
  return {
    async start(request, signal) {
      const own = new AbortController()
      const turn = await start({ ...request, caller }, AbortSignal.any([signal, own.signal]))
      const { id, sessionId, backend, model } = turn
      const about = {
        run_id: runId,
        session_id: sessionId,
        backend,
        ...(model === undefined ? {} : { model }),
      }
      const cancel = (reason: Error) => own.abort(reason)
      return { ...turn, events: runs.note({ id, kind: 'task', caller, about, events: turn.events, cancel }) }
    },
  }
}
