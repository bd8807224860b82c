import { join } from 'node:path'
import { markerOf } from './marker.ts'
import { STOP_SECS } from './stop-secs.ts'
import type { ServiceSpec } from './types.ts'
import { oneLine } from './unit-words.ts'

export const LABEL = 'com.clinvk.server'

/** Where a service of the user's, or of the machine, writes what it has to say. */
export function logFile(home: string, system: boolean): string {
  return system ? '/Library/Logs/clinvk.log' : join(home, 'Library', 'Logs', 'clinvk.log')
}

/** The launchd property list of a service. launchd reads no file of variables, so clinvk does. */
export function toPlist(spec: ServiceSpec, log: string): string {
  const { command, variables, envFile, drainSecs, runAs } = spec
  const environment = { ...variables, ...(runAs ? { HOME: runAs.home } : {}) }
  const entries: [key: string, value: string][] = [
    ['Label', string(LABEL)],
    ['ProgramArguments', array([...command, '--env-file', envFile])],
    ...(runAs ? [['UserName', string(runAs.user)] as [string, string]] : []),
    ['EnvironmentVariables', dict(Object.entries(environment).map(([name, value]) => [name, string(value)]))],
    ['RunAtLoad', '<true/>'],
    ['KeepAlive', '<true/>'],
    // Until then clinvk lets prompts end (server.drain_secs) and ends its agents; then launchd kills it.
    ['ExitTimeOut', `<integer>${Math.ceil(drainSecs) + STOP_SECS}</integer>`],
    ['StandardOutPath', string(log)],
    ['StandardErrorPath', string(log)],
  ]
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- ${markerOf(spec.flags)} -->
<plist version="1.0">
${dict(entries)}
</plist>
`
}

function dict(entries: readonly (readonly [key: string, value: string])[]): string {
  const lines = entries.flatMap(([key, value]) => [`<key>${escaped(key)}</key>`, value])
  return `<dict>\n${indented(lines)}\n</dict>`
}

function array(texts: readonly string[]): string {
  return `<array>\n${indented(texts.map(string))}\n</array>`
}

function string(text: string): string {
  return `<string>${escaped(text)}</string>`
}

function indented(parts: readonly string[]): string {
  return parts
    .join('\n')
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n')
}

function escaped(text: string): string {
  return oneLine(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
