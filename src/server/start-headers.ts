import type { TurnEvent } from '../agents/types.ts'

/** What a turn's first event of its agent tells of how it began. */
export type Began = Pick<Extract<TurnEvent, { type: 'init' }>, 'start' | 'waitedMs'>

/** The headers that tell it. They are absent from an answer whose headers go out before the agent is there. */
export function startHeaders({ start, waitedMs }: Began): Record<string, string> {
  return {
    ...(start === undefined ? {} : { 'x-clinvk-start': start }),
    ...(waitedMs === undefined ? {} : { 'x-clinvk-wait': String(waitedMs) }),
  }
}
