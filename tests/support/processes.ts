import { readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'

/** Whether a process runs. A zombie, which only waits for its parent to look, does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  try {
    const found = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return found.slice(found.lastIndexOf(')') + 2, found.lastIndexOf(')') + 3) !== 'Z'
  } catch {
    return process.platform !== 'linux'
  }
}

/** Waits for something to become true, and throws where it does not. */
export async function waitUntil(
  condition: () => boolean | Promise<boolean>,
  { timeoutMs = 10_000, what = 'the condition' } = {},
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`${what} did not come true within ${timeoutMs} ms`)
    await Bun.sleep(10)
  }
}

/** The processes whose `HOME` is this folder: everything that a test's server has started, wherever it went. */
export async function runningIn(home: string): Promise<{ pid: number; command: string }[]> {
  const found: { pid: number; command: string }[] = []
  for (const pid of (await readdir('/proc').catch(() => [])).filter((entry) => /^\d+$/.test(entry))) {
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')
    if (!environment.split('\0').includes(`HOME=${home}`)) continue
    const command = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')
    found.push({ pid: Number(pid), command: command.replaceAll('\0', ' ') })
  }
  return found
}

/** The command lines of those. Gives what is just ending a moment. */
export async function processesIn(home: string): Promise<string[]> {
  const find = () => runningIn(home)
  await waitUntil(async () => (await find()).length === 0, { timeoutMs: 5000 }).catch(() => {})
  return (await find()).map(({ command }) => command)
}
