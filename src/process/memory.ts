import { readdir, readFile } from 'node:fs/promises'

/**
 * The resident memory of process groups in bytes, by the pid of their leader; a child leads a group that all its
 * descendants are in, unless they leave it. Pages that processes share are counted for each.
 *
 * Groups that are not there are left out; all are, where the system does not tell.
 */
export async function memoryOfGroups(pids: readonly number[]): Promise<ReadonlyMap<number, number>> {
  if (pids.length === 0 || process.platform === 'win32') return new Map()
  try {
    const wanted = new Set(pids)
    return process.platform === 'linux' ? await fromProc(wanted) : await fromPs(wanted)
  } catch {
    return new Map()
  }
}

let pageSize: Promise<number> | undefined

async function fromProc(groups: ReadonlySet<number>): Promise<ReadonlyMap<number, number>> {
  pageSize ??= readPageSize()
  const page = await pageSize
  const found = new Map<number, number>()
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
    // "pid (name) state ppid pgrp …": the name may hold spaces and brackets.
    const group = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2])
    if (!groups.has(group)) continue
    const [, resident] = (await readFile(`/proc/${pid}/statm`, 'utf8').catch(() => '')).split(' ')
    add(found, group, Number(resident) * page)
  }
  return found
}

/** `AT_PAGESZ` in the auxiliary vector, which is pairs of words; pages are 16 or 64 KiB on some ARM machines. */
async function readPageSize(): Promise<number> {
  const words = await readFile('/proc/self/auxv').then(
    (bytes) => new BigUint64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 3),
    () => new BigUint64Array(),
  )
  for (let at = 0; at + 1 < words.length; at += 2) if (words[at] === AT_PAGESZ) return Number(words[at + 1])
  return 4096
}

const AT_PAGESZ = 6n

async function fromPs(groups: ReadonlySet<number>): Promise<ReadonlyMap<number, number>> {
  const ps = Bun.spawn({
    cmd: ['ps', '-A', '-o', 'pgid=,rss='],
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'ignore',
  })
  return sumPs(await ps.stdout.text(), groups)
}

/** Reads `ps -o pgid=,rss=`, which counts in KiB. */
export function sumPs(output: string, groups: ReadonlySet<number>): ReadonlyMap<number, number> {
  const found = new Map<number, number>()
  for (const line of output.split('\n')) {
    const [group, kib] = line.trim().split(/\s+/).map(Number)
    if (group !== undefined && groups.has(group)) add(found, group, (kib ?? Number.NaN) * 1024)
  }
  return found
}

function add(sums: Map<number, number>, group: number, bytes: number): void {
  if (Number.isFinite(bytes)) sums.set(group, (sums.get(group) ?? 0) + bytes)
}
