import { markerOf } from './marker.ts'
import { STOP_SECS } from './stop-secs.ts'
import type { ServiceSpec } from './types.ts'
import { assignmentWord, commandLine, filePattern } from './unit-words.ts'

/**
 * The systemd unit of a service. What is hardened is what agents can bear: they work in the user's projects, wherever
 * these are, with the user's own settings and tools, and bring sandboxes of their own.
 */
export function toUnit(spec: ServiceSpec): string {
  const { command, variables, envFile, drainSecs, runAs } = spec
  const lines = [
    `# ${markerOf(spec.flags)}`,
    '[Unit]',
    'Description=clinvk API Server',
    // The manager of a user does not know when the machine is online.
    ...(runAs ? ['Wants=network-online.target', 'After=network-online.target'] : []),
    '',
    '[Service]',
    'Type=simple',
    ...(runAs ? [`User=${runAs.user}`] : []),
    `ExecStart=${commandLine(command)}`,
    '# A folder of nobody: agents work in ~/.clinvk/workspace where a request names no other.',
    'WorkingDirectory=/',
    ...Object.entries(variables).map(([name, value]) => `Environment=${assignmentWord(name, value)}`),
    '# Keys and other secrets. Without the file the service does not start, since without keys it would be open.',
    `EnvironmentFile=${filePattern(envFile)}`,
    'Restart=on-failure',
    'RestartSec=5',
    '# A wrong option or configuration is not mended by another start.',
    'RestartPreventExitStatus=2 3',
    '# clinvk alone is asked to stop, lets prompts end (server.drain_secs), and ends its agents itself.',
    'KillMode=mixed',
    `TimeoutStopSec=${Math.ceil(drainSecs) + STOP_SECS}`,
    '# No program that an agent starts gets more rights than its user has: no sudo.',
    'NoNewPrivileges=yes',
    ...(runAs ? HARDENED : []),
    '',
    '[Install]',
    `WantedBy=${runAs ? 'multi-user.target' : 'default.target'}`,
  ]
  return `${lines.join('\n')}\n`
}

// Not for a user's own manager, which can do this only in a user namespace, where the files of others have no owner and
// agents' own sandboxes do not start. Its user cannot write to /usr and /etc anyway.
const HARDENED = [
  '# /usr, /boot and /etc can be read only. Not "strict": projects may be anywhere else.',
  'ProtectSystem=full',
  '# Temporary files of agents are seen by nobody else. A request cannot name a folder in /tmp then.',
  'PrivateTmp=yes',
]
