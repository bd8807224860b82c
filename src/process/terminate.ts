import { readdir, readFile } from 'node:fs/promises'
import { MARKER_VARIABLE } from './guardian.ts'

/** How long a group may take to end after TERM before it is killed, in ms. */
export interface Grace {
  readonly termMs?: number
}

const DEFAULT_TERM_MS = 3000
const POLL_MS = 20

/**
 * Ends a process group and whatever else carries its marker: TERM, KILL after the grace, then KILL for
 * descendants that have left the group (agents put shells into sessions of their own). Never throws.
 */
export async function endGroup(
  pid: number,
  marker: string,
  { termMs = DEFAULT_TERM_MS }: Grace = {},
): Promise<void> {
  if (process.platform === 'win32') return endTree(pid)
  if (signal(-pid, 'SIGTERM')) {
    const deadline = performance.now() + termMs
    while ((await groupIsAlive(pid)) && performance.now() < deadline) await Bun.sleep(POLL_MS)
    signal(-pid, 'SIGKILL')
  }
  for (const stray of await findMarked(marker)) signal(stray, 'SIGKILL')
}

function signal(target: number, name: 'SIGTERM' | 'SIGKILL'): boolean {
  try {
    process.kill(target, name)
    return true
  } catch {
    return false
  }
}

/** Whether a group has members that are no zombies; those wait for a parent that may never look. */
async function groupIsAlive(group: number): Promise<boolean> {
  try {
    process.kill(-group, 0)
  } catch {
    return false
  }
  if (process.platform !== 'linux') return true
  for (const pid of await listPids()) {
    const found = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
    // "pid (name) state ppid pgrp …": the name may hold spaces and brackets.
    const [state, , pgrp] = found.slice(found.lastIndexOf(')') + 2).split(' ')
    if (Number(pgrp) === group && state !== 'Z') return true
  }
  return false
}

async function findMarked(marker: string): Promise<number[]> {
  if (process.platform !== 'linux') return []
  const marked: number[] = []
  for (const pid of await listPids()) {
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')
    if (environment.includes(`${MARKER_VARIABLE}=${marker}\0`)) marked.push(pid)
  }
  return marked
}

async function listPids(): Promise<number[]> {
  const names = await readdir('/proc').catch(() => [])
  return names.map(Number).filter((pid) => Number.isInteger(pid) && pid !== process.pid)
}

async function endTree(pid: number): Promise<void> {
  const killer = Bun.spawn({
    cmd: ['taskkill', '/pid', String(pid), '/t', '/f'],
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'ignore',
  })
  await killer.exited
}
