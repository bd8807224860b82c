/** A child process of the benchmark, the first of a group of its own. */
export type Child = Bun.Subprocess<'ignore' | 'pipe', 'pipe', 'ignore'>

/** Where a process runs. */
export interface Place {
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
}

/** Long enough for a server that ends its agents. */
const GRACE_MS = 15_000

/** What has to be undone when the benchmark ends, however that is. */
const undo = new Set<() => unknown>()
let over = false

/** Has something undone at the end, the last first. Returns what takes that back. */
export function atEnd(action: () => unknown): () => void {
  undo.add(action)
  return () => undo.delete(action)
}

/** Undoes everything. `forGood`: nothing is started any more. */
export async function endAll({ forGood = false } = {}): Promise<void> {
  over ||= forGood
  while (undo.size > 0) {
    const actions = [...undo].reverse()
    undo.clear()
    for (const action of actions)
      try {
        await action()
      } catch (error) {
        console.error(error)
      }
  }
}

/** Starts a process that is ended with all of its group when the benchmark ends. */
export function start(
  cmd: readonly string[],
  { env, cwd }: Place,
  { stdin = 'ignore' }: { stdin?: 'ignore' | 'pipe' } = {},
): Child {
  if (over) throw new Error('The benchmark was ended.')
  const child = Bun.spawn({
    cmd: [...cmd],
    cwd,
    env: { ...env },
    stdin,
    stdout: 'pipe',
    stderr: 'ignore',
    detached: true,
  })
  const forget = atEnd(() => end(child))
  void child.exited.then(() => {
    signal(child.pid, 'SIGKILL')
    forget()
  })
  return child
}

/** Ends a process and its group: asks first. */
export async function end(child: Child): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  signal(child.pid, 'SIGTERM')
  await Promise.race([child.exited, Bun.sleep(GRACE_MS)])
  if (child.exitCode === null && child.signalCode === null) signal(child.pid, 'SIGKILL')
  await child.exited
}

/** Its group is empty as soon as all of it has ended, and then there is nothing to signal. */
function signal(group: number, name: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(-group, name)
  } catch {}
}
