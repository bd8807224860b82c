import { hostname } from 'node:os'
import { isRunning } from '../process/is-running.ts'

/** Names this process among all that use a store, on whatever machine or in whatever container. */
export function newHolder(): string {
  return `${process.pid}:${hostname()}:${crypto.randomUUID()}`
}

/**
 * Whether the process that a name stands for may live. Of another machine nobody knows; a process with our own number
 * and another name was here before us, as the first of a container that is started again.
 */
export function holderLives(name: string, ours: string): boolean {
  if (name === ours) return true
  const [pid, host] = name.split(':')
  if (host !== hostname()) return true
  return Number(pid) !== process.pid && isRunning(Number(pid))
}
