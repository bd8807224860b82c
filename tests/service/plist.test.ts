import { expect, test } from 'bun:test'
import { readMarker } from '../../src/service/marker.ts'
import { toPlist } from '../../src/service/plist.ts'
import { needTool } from '../support/tools.ts'
import { NASTY, specOf } from './support.ts'

const LOG = '/Users/me/Library/Logs/clinvk.log'

/** A property list as Python reads it, which has a parser of its own. */
async function read(text: string): Promise<unknown> {
  const python = await needTool('python3', 'python3')
  const script = 'import json, plistlib, sys; print(json.dumps(plistlib.loads(sys.stdin.buffer.read())))'
  const reader = Bun.spawn({
    cmd: [python, '-c', script],
    stdin: new Blob([text]),
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [out, errors] = await Promise.all([reader.stdout.text(), reader.stderr.text(), reader.exited])
  if (out === '') throw new Error(errors)
  return JSON.parse(out)
}

test('the property list is as the documents have it, with the variables that a session has not', async () => {
  expect(await read(toPlist(specOf(), LOG))).toEqual({
    Label: 'com.clinvk.server',
    ProgramArguments: [
      '/usr/local/bin/clinvk',
      'serve',
      '--port',
      '8080',
      '--env-file',
      '/home/me/.clinvk/env',
    ],
    EnvironmentVariables: { PATH: '/usr/local/bin:/usr/bin' },
    RunAtLoad: true,
    KeepAlive: true,
    ExitTimeOut: 60,
    StandardOutPath: LOG,
    StandardErrorPath: LOG,
  })
})

test('the property list of the machine names its user', async () => {
  const runAs = { user: 'me', home: '/Users/me' }
  expect(await read(toPlist(specOf({ runAs }), LOG))).toMatchObject({
    UserName: 'me',
    EnvironmentVariables: { HOME: '/Users/me' },
  })
})

test('everything reaches the service as it is', async () => {
  const plist = toPlist(
    specOf({
      command: ['/bin/clinvk', ...NASTY],
      variables: Object.fromEntries(NASTY.map((text) => [`key ${text}`, text])),
      flags: { config: NASTY.join(' '), host: '--><!--' },
    }),
    LOG,
  )
  expect(await read(plist)).toMatchObject({
    ProgramArguments: ['/bin/clinvk', ...NASTY, '--env-file', '/home/me/.clinvk/env'],
    EnvironmentVariables: Object.fromEntries(NASTY.map((text) => [`key ${text}`, text])),
  })
  expect(readMarker(plist)).toEqual({ config: NASTY.join(' '), host: '--><!--' })
  await expect(read(plist.replace('</dict>', ''))).rejects.toThrow()
})
