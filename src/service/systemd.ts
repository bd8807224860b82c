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
  // Who needs sudo to install it needs it to look after it.
  const sudo = system && env['SUDO_USER'] ? 'sudo ' : ''
  const word = `${sudo}${['systemctl', ...scope].join(' ')}`
  return {
    name: 'systemd',
    file: join(system ? '/etc/systemd/system' : join(configHome, 'systemd', 'user'), UNIT),
    describe: toUnit,
    reach: systemctl('show', '--property=Version'),
    // Restarted: one that runs already is to become what the file says now.
    start: [systemctl('daemon-reload'), systemctl('enable', UNIT), systemctl('restart', UNIT)],
    stop: [systemctl('disable', '--now', UNIT)],
    forget: [systemctl('daemon-reload')],
    lastWords: (run) => lastWordsOf(run, systemctl('show', UNIT, '--property=InvocationID').command, system),
    state: (run) => stateOf(run, systemctl('show', UNIT, `--property=${PROPERTIES.join(',')}`).command),
    next: [
      ['Its log', `${sudo}journalctl ${system ? '--unit' : '--user-unit'} clinvk --follow`],
      ['Stop and start', `${word} stop clinvk, ${word} start clinvk`],
      ...(system
        ? []
        : ([
            [
              'Keep it running while you are not logged in',
              'loginctl enable-linger, or where that is denied: sudo loginctl enable-linger "$USER"',
            ],
          ] as const)),
    ],
  }
}

/** What it and systemd said of its last start: what came before that would only mislead. */
async function lastWordsOf(run: RunTool, show: readonly string[], system: boolean): Promise<string[]> {
  const [, id] = (await run(show)).stdout.match(/^InvocationID=(\w+)$/m) ?? []
  if (id === undefined) return []
  // Its own words have one field, those of systemd of it another.
  const matches = [`_SYSTEMD_INVOCATION_ID=${id}`, '+', `${system ? '' : 'USER_'}INVOCATION_ID=${id}`]
  const words = ['journalctl', '--lines=6', '--output=cat', '--quiet', '--no-pager', ...matches]
  return (await run(words)).stdout.split('\n').filter((line) => line.trim() !== '')
}

const PROPERTIES = ['UnitFileState', 'ActiveState', 'SubState', 'Result', 'MainPID'] as const

async function stateOf(run: RunTool, command: readonly string[]): Promise<ServiceState> {
  const { ok, stdout, complaint } = await run(command)
  if (!ok)
    return { enabled: false, running: false, failed: false, words: `systemd does not answer: ${complaint}` }
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
    failed: !running && result !== undefined && result !== 'success',
    ...(running && pid !== undefined && pid !== '0' ? { pid: Number(pid) } : {}),
    words: [active, ...(sub ? [`(${sub})`] : []), ...(result && result !== 'success' ? [result] : [])].join(
      ' ',
    ),
  }
}
