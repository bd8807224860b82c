import { join } from 'node:path'
import type { Manager, RunTool, ServiceState } from './types.ts'
import { toUnit } from './unit.ts'

const UNIT = 'clinvk.service'

/** What a service manager is found from. */
export interface ManagerPlace {
  /** A service of the whole machine. */
  readonly system: boolean
  /** The home folder of who installs it. */
  readonly homeDir: string
  readonly env: Readonly<Record<string, string | undefined>>
}

/** systemd, of the machine or of the user. */
export function systemd({ system, homeDir, env }: ManagerPlace): Manager {
  const scope = system ? [] : ['--user']
  const systemctl = (...args: string[]) => ({ command: ['systemctl', ...scope, ...args] })
  const configHome = env['XDG_CONFIG_HOME'] || join(homeDir, '.config')
  const word = ['systemctl', ...scope].join(' ')
  return {
    name: 'systemd',
    file: join(system ? '/etc/systemd/system' : join(configHome, 'systemd', 'user'), UNIT),
    describe: toUnit,
    reach: systemctl('show', '--property=Version'),
    // Restarted: one that runs already is to become what the file says now.
    start: [systemctl('daemon-reload'), systemctl('enable', UNIT), systemctl('restart', UNIT)],
    stop: [systemctl('disable', '--now', UNIT)],
    forget: [systemctl('daemon-reload')],
    state: (run) => stateOf(run, systemctl('show', UNIT, `--property=${PROPERTIES.join(',')}`).command),
    next: [
      ['Its log', `journalctl ${system ? '--unit' : '--user-unit'} clinvk --follow`],
      ['Stop and start', `${word} stop clinvk, ${word} start clinvk`],
      ...(system
        ? []
        : ([['Keep it running while you are not logged in', 'loginctl enable-linger']] as const)),
    ],
  }
}

const PROPERTIES = ['UnitFileState', 'ActiveState', 'SubState', 'Result', 'MainPID'] as const

async function stateOf(run: RunTool, command: readonly string[]): Promise<ServiceState> {
  const { ok, stdout, complaint } = await run(command)
  if (!ok) return { enabled: false, running: false, words: `systemd does not answer: ${complaint}` }
  const told = Object.fromEntries(
    stdout.split('\n').flatMap((line) => {
      const [name, value] = line.split(/=(.*)/s)
      return value === undefined ? [] : [[name, value]]
    }),
  ) as Partial<Record<(typeof PROPERTIES)[number], string>>
  const {
    UnitFileState: file,
    ActiveState: active = 'unknown',
    SubState: sub,
    Result: result,
    MainPID: pid,
  } = told
  const running = active === 'active'
  return {
    enabled: file === 'enabled',
    running,
    ...(running && pid !== undefined && pid !== '0' ? { pid: Number(pid) } : {}),
    words: [active, ...(sub ? [`(${sub})`] : []), ...(result && result !== 'success' ? [result] : [])].join(
      ' ',
    ),
  }
}
