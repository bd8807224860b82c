import { join } from 'node:path'
import { LABEL, logFile, toPlist } from './plist.ts'
import type { ManagerPlace } from './systemd.ts'
import type { Manager, RunTool, ServiceState } from './types.ts'

/** launchd, of the machine or of the user's session. @param uid the user's number. */
export function launchd({ system, homeDir }: ManagerPlace, uid: number): Manager {
  const domain = system ? 'system' : `gui/${uid}`
  const target = `${domain}/${LABEL}`
  const file = join(
    system ? '/' : homeDir,
    'Library',
    system ? 'LaunchDaemons' : 'LaunchAgents',
    `${LABEL}.plist`,
  )
  const log = logFile(homeDir, system)
  const launchctl = (...args: string[]) => ({ command: ['launchctl', ...args] })
  // What is asked to leave is gone a while later, and nothing of its name can come before.
  const leave = [
    { ...launchctl('bootout', target), mayFail: true },
    { ...launchctl('print', target), untilGone: true },
  ]
  return {
    name: 'launchd',
    file,
    describe: (spec) => toPlist(spec, log),
    reach: launchctl('print', domain),
    start: [...leave, launchctl('enable', target), launchctl('bootstrap', domain, file)],
    stop: leave,
    forget: [],
    lastWords: async (run) =>
      (await run(['tail', '-n', '6', log])).stdout.split('\n').filter((line) => line.trim() !== ''),
    state: (run) => stateOf(run, domain, target),
    next: [
      ['Its log', `tail -f ${log}`],
      ['Stop and start', `launchctl bootout ${target}, launchctl bootstrap ${domain} ${file}`],
    ],
  }
}

async function stateOf(run: RunTool, domain: string, target: string): Promise<ServiceState> {
  const [service, disabled] = await Promise.all([
    run(['launchctl', 'print', target]),
    run(['launchctl', 'print-disabled', domain]),
  ])
  const off = new RegExp(`"${LABEL.replaceAll('.', '\\.')}" => (?:disabled|true)`).test(disabled.stdout)
  if (!service.ok)
    return { enabled: false, running: false, failed: false, words: `not loaded: ${service.complaint}` }
  const [, state = 'unknown'] = service.stdout.match(/^\s*state = (.+)$/m) ?? []
  const [, pid] = service.stdout.match(/^\s*pid = (\d+)$/m) ?? []
  return {
    enabled: !off,
    running: state === 'running',
    failed: state !== 'running' && /^\s*last exit code = [1-9]/m.test(service.stdout),
    ...(pid === undefined ? {} : { pid: Number(pid) }),
    words: state,
  }
}
