import { uniqueCallIds } from '../agents/call-ids.ts'
import type { Folders } from '../process/folders.ts'
import type { Ending } from './ending.ts'
import type { Queue } from './queue.ts'
import { makePlace, type Prepared } from './turn/prepare.ts'
import type { TurnRequest } from './types.ts'

/** What a count needs. */
export interface CountSetup {
  readonly queue: Pick<Queue, 'enter'>
  readonly folders: Pick<Folders, 'scratch'>
  readonly ending: Pick<Ending, 'begin' | 'closing'>
}

/** Counts what a prompt would take, where its backend does. It has a place in the queue, and no session. */
export function createTokenCount({ queue, folders, ending }: CountSetup) {
  return async (
    { parts, caller, history = [] }: TurnRequest,
    prepared: Prepared,
    signal: AbortSignal,
  ): Promise<number | undefined> => {
    const { driver } = prepared.backend
    if (driver.countTokens === undefined) return undefined
    const either = AbortSignal.any([signal, ending.closing])
    const ticket = queue.enter({ backend: driver.name, caller }, either)
    await ticket.granted
    const place = await makePlace(folders, prepared).catch((error: unknown) => {
      ticket.leave()
      throw error
    })
    const opened = {
      ...prepared.options,
      workdir: place.workdir,
      ...(history.length === 0 ? {} : { history: uniqueCallIds(history) }),
    }
    const over = ending.begin()
    try {
      return await driver.countTokens(opened, { parts }, either)
    } finally {
      ticket.leave()
      await place.cleanUp().catch(() => {})
      over()
    }
  }
}
