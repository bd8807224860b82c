import { eventually, same } from '../support/checks.ts'
import type { Workbench } from './workbench.ts'

export type Check = (what: string, work: () => Promise<unknown>) => Promise<boolean>

/** What a manager knows of the service. */
export async function propertiesOf(
  { ann }: Workbench,
  whose: 'user' | 'system',
  names: readonly string[],
): Promise<Record<string, string>> {
  const text = await ann(`systemctl --${whose} show clinvk --property=${names.join(',')}`)
  const pairs = text
    .trim()
    .split('\n')
    .map((line) => line.split(/=(.*)/s))
  return Object.fromEntries(names.map((name) => [name, pairs.find(([key]) => key === name)?.[1] ?? '']))
}

/** Throws while it runs. */
export async function isDown(bench: Workbench, whose: 'user' | 'system'): Promise<void> {
  same((await propertiesOf(bench, whose, ['ActiveState']))['ActiveState'], 'failed')
}

/** Whatever clinvk has started is gone: only a server with this process and what it started runs. */
export async function goneAgents({ root }: Workbench, server?: string): Promise<void> {
  await eventually(async () => {
    const lines = (await root('ps -e -o pid=,ppid=,args=')).trim().split('\n')
    const parents = new Map(lines.map((line) => line.trim().split(/\s+/) as [string, string]))
    const isOfServer = (pid: string | undefined): boolean =>
      pid !== undefined && (pid === server || isOfServer(parents.get(pid)))
    const left = lines.filter((line) => PROGRAMS.test(line) && !isOfServer(/\d+/.exec(line)?.[0]))
    if (left.length > 0) throw new Error(left.join('\n'))
  }, 25)
}

const PROGRAMS = /clinvk|claude|codex/
