import { rm } from 'node:fs/promises'
import { makeTemporary } from '../../process/temporary.ts'

/** An empty folder of ours, for processes whose conversation has no folder, or none yet. */
export interface NeutralFolder {
  /** Makes it at first. */
  path(): Promise<string>
  remove(): Promise<void>
}

export function createNeutralFolder(): NeutralFolder {
  let made: Promise<string> | undefined
  return {
    async path() {
      made ??= makeTemporary('clinvk-claude-')
      try {
        return await made
      } catch (error) {
        made = undefined
        throw error
      }
    },
    async remove() {
      const path = await made?.catch(() => undefined)
      if (path !== undefined) await rm(path, { recursive: true, force: true, maxRetries: 3 })
    },
  }
}
