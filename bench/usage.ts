import { readdirSync, readFileSync } from 'node:fs'

/** What the kernel tells of a process. Times in seconds. */
interface ProcessStat {
  readonly pid: number
  readonly parent: number
  readonly cpu: number
  /** Of children that have ended. */
  readonly childrenCpu: number
}

/** The unit of times in `/proc`, which Linux has kept the same on all machines. */
const TICKS_PER_SECOND = 100

/** Reads a line of `/proc/PID/stat`. A program's name may hold anything, so it is counted from its end. */
export function parseStat(line: string): ProcessStat {
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
  const at = (index: number) => Number(fields[index])
  return {
    pid: Number.parseInt(line, 10),
    parent: at(1),
    cpu: (at(11) + at(12)) / TICKS_PER_SECOND,
    childrenCpu: (at(13) + at(14)) / TICKS_PER_SECOND,
  }
}

/** CPU time of a process and all below it, those that have ended included. */
export function sumTree(stats: readonly ProcessStat[], root: number): number {
  const below = (pid: number): ProcessStat[] =>
    stats.filter(({ parent }) => parent === pid).flatMap((child) => [child, ...below(child.pid)])
  return [...stats.filter(({ pid }) => pid === root), ...below(root)].reduce(
    (sum, { cpu, childrenCpu }) => sum + cpu + childrenCpu,
    0,
  )
}

/** CPU seconds of a process tree so far. NaN where the system does not tell. */
export function treeCpu(pid: number): number {
  if (process.platform !== 'linux') return Number.NaN
  const pids = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))
  return sumTree(
    pids.flatMap((entry) => statOf(entry) ?? []),
    pid,
  )
}

/** CPU seconds of one process alone so far. NaN where the system does not tell. */
export function processCpu(pid: number): number {
  return statOf(String(pid))?.cpu ?? Number.NaN
}

/** Memory of one process in bytes. NaN where the system does not tell. */
export function residentMemory(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`))?.[1] ?? Number.NaN) * 1024
}

const SAMPLE_MS = 20

/** The most memory that a process has while something is done. */
export async function peakMemory<T>(
  pid: number,
  work: () => Promise<T>,
): Promise<{ peak: number; value: T }> {
  let peak = residentMemory(pid)
  const timer = setInterval(() => {
    peak = Math.max(peak, residentMemory(pid))
  }, SAMPLE_MS)
  try {
    const value = await work()
    return { value, peak: Math.max(peak, residentMemory(pid)) }
  } finally {
    clearInterval(timer)
  }
}

function statOf(pid: string): ProcessStat | undefined {
  const line = read(`/proc/${pid}/stat`)
  return line === '' ? undefined : parseStat(line)
}

/** A process may end at any moment. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
