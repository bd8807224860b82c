import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { install, installed, uninstall } from '../../src/service/install.ts'
import { launchd } from '../../src/service/launchd.ts'
import { systemd } from '../../src/service/systemd.ts'
import type { Manager, ServiceSpec, ToolOutcome } from '../../src/service/types.ts'
import { recordingTool, specOf } from './support.ts'

let home: string
let spec: ServiceSpec
let told: string[]
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'clinvk-service-'))
  spec = specOf({ envFile: join(home, '.clinvk', 'env') })
  told = []
})
afterEach(async () => await rm(home, { recursive: true, force: true }))

const tell = (text: string) => void told.push(text)
const place = (system = false) => ({ system, homeDir: home, env: {} })
/** What would be for the whole machine, somewhere else. */
const elsewhere = (manager: Manager): Manager => ({ ...manager, file: join(home, manager.file) })
const write = async (file: string, text: string) => {
  await mkdir(dirname(file), { recursive: true })
  await Bun.write(file, text)
}

describe('installing for systemd', () => {
  test('writes the unit, has it read, enabled and started, and says what comes next', async () => {
    const { run, asked } = recordingTool()
    const manager = systemd(place())
    await install(manager, spec, { run, tell, force: false })
    expect(manager.file).toBe(join(home, '.config/systemd/user/clinvk.service'))
    expect(await readFile(manager.file, 'utf8')).toBe(manager.describe(spec))
    expect(asked).toEqual([
      'systemctl --user show --property=Version',
      'systemctl --user daemon-reload',
      'systemctl --user enable clinvk.service',
      'systemctl --user restart clinvk.service',
    ])
    for (const text of [
      manager.file,
      spec.envFile,
      'journalctl --user-unit clinvk',
      'loginctl enable-linger',
    ])
      expect(told.join('\n')).toContain(text)
    expect(await readdir(dirname(manager.file))).toEqual(['clinvk.service'])
  })

  test('makes a private file for keys, and never touches one that is there', async () => {
    const { run } = recordingTool()
    await install(systemd(place()), spec, { run, tell, force: false })
    expect((await stat(spec.envFile)).mode & 0o777).toBe(0o600)
    await Bun.write(spec.envFile, 'CLINVK_API_KEYS=mine\n')
    await install(systemd(place()), spec, { run, tell, force: true })
    expect(await readFile(spec.envFile, 'utf8')).toBe('CLINVK_API_KEYS=mine\n')
  })

  test('asks the manager of the machine for a service of the machine', async () => {
    const { run, asked } = recordingTool()
    const manager = systemd(place(true))
    expect(manager.file).toBe('/etc/systemd/system/clinvk.service')
    await install(elsewhere(manager), { ...spec, runAs: { user: 'me', home } }, { run, tell, force: false })
    expect(asked).toEqual([
      'systemctl show --property=Version',
      'systemctl daemon-reload',
      'systemctl enable clinvk.service',
      'systemctl restart clinvk.service',
    ])
    expect(told.join('\n')).not.toContain('linger')
  })

  test('replaces what it wrote before, and nothing else unless it is told to', async () => {
    const { run, asked } = recordingTool()
    const manager = systemd(place())
    await install(manager, specOf({ ...spec, drainSecs: 1 }), { run, tell, force: false })
    await install(manager, spec, { run, tell, force: false })
    expect(await readFile(manager.file, 'utf8')).toContain('TimeoutStopSec=60')
    await write(manager.file, '[Service]\nExecStart=/usr/local/bin/clinvk serve\n')
    asked.length = 0
    await expect(install(manager, spec, { run, tell, force: false })).rejects.toThrow('--force')
    expect(asked).toEqual([])
    await install(manager, spec, { run, tell, force: true })
    expect(await readFile(manager.file, 'utf8')).toContain('TimeoutStopSec=60')
  })

  test('does not write through a link that masks the unit', async () => {
    const { run } = recordingTool()
    const manager = systemd(place())
    await mkdir(dirname(manager.file), { recursive: true })
    await symlink('/dev/null', manager.file)
    await expect(install(manager, spec, { run, tell, force: false })).rejects.toThrow('--force')
    await install(manager, spec, { run, tell, force: true })
    expect(await readFile(manager.file, 'utf8')).toContain('[Service]')
  })

  test('changes nothing where systemd does not run, and says so', async () => {
    const complaint = 'Failed to connect to bus: No medium found'
    const { run } = recordingTool({ 'systemctl --user show': complaint })
    const failing = install(systemd(place()), spec, { run, tell, force: false })
    await expect(failing).rejects.toMatchObject({
      code: 'service_failed',
      message: expect.stringContaining(`systemd does not run here, or does not listen to you: ${complaint}.`),
    })
    expect(await readdir(home)).toEqual([])
    expect(told).toEqual([])
  })

  test('names the step that failed', async () => {
    const { run } = recordingTool({ 'systemctl --user enable': 'Access denied' })
    await expect(install(systemd(place()), spec, { run, tell, force: false })).rejects.toThrow(
      '"systemctl --user enable clinvk.service" failed: Access denied.',
    )
    expect(told.join('\n')).not.toContain('runs clinvk now')
  })

  test('says what cannot be written', async () => {
    const { run } = recordingTool()
    await Bun.write(join(home, '.config'), '')
    await expect(install(systemd(place()), spec, { run, tell, force: false })).rejects.toThrow(
      /cannot be written \((ENOTDIR|EEXIST)\)/,
    )
  })
})

describe('removing from systemd', () => {
  test('stops it, has it not started any more, and removes what is ours', async () => {
    const { run, asked } = recordingTool()
    const manager = systemd(place())
    await install(manager, spec, { run, tell, force: false })
    asked.length = 0
    await uninstall(manager, { run, tell })
    expect(asked).toEqual([
      'systemctl --user show --property=Version',
      'systemctl --user disable --now clinvk.service',
      'systemctl --user daemon-reload',
    ])
    expect(await installed(manager.file)).toBeUndefined()
    expect(await Bun.file(spec.envFile).exists()).toBe(true)
    await uninstall(manager, { run, tell })
    expect(told.at(-1)).toContain('Nothing to do')
  })

  test('leaves what is not ours alone', async () => {
    const { run, asked } = recordingTool()
    const manager = systemd(place())
    await write(manager.file, '[Service]\n')
    await expect(uninstall(manager, { run, tell })).rejects.toThrow('was not written by clinvk')
    expect(asked).toEqual([])
    expect(await installed(manager.file)).toEqual({ ours: false, flags: {} })
  })

  test('keeps the file where it cannot be stopped', async () => {
    const manager = systemd(place())
    await write(manager.file, manager.describe(spec))
    const { run } = recordingTool({ 'systemctl --user disable': 'Access denied' })
    await expect(uninstall(manager, { run, tell })).rejects.toThrow('Access denied')
    expect(await installed(manager.file)).toMatchObject({ ours: true, flags: { port: '8080' } })
  })
})

describe('launchd', () => {
  const TARGET = 'gui/501/com.clinvk.server'
  /** launchd with a service that takes some looks to be gone. */
  function leavingTool(looks: number) {
    const asked: string[] = []
    let left = looks
    const run = async (command: readonly string[]): Promise<ToolOutcome> => {
      const words = command.join(' ')
      asked.push(words)
      const ok = words !== `launchctl print ${TARGET}` || left-- > 0
      return { ok, stdout: '', complaint: ok ? '' : 'Could not find service' }
    }
    return { asked, run }
  }

  test('is given the list once what ran before is gone', async () => {
    const { run, asked } = leavingTool(2)
    const manager = launchd(place(), 501)
    await install(manager, spec, { run, tell, force: false })
    expect(manager.file).toBe(join(home, 'Library/LaunchAgents/com.clinvk.server.plist'))
    expect(await readFile(manager.file, 'utf8')).toBe(manager.describe(spec))
    expect(asked).toEqual([
      'launchctl print gui/501',
      `launchctl bootout ${TARGET}`,
      `launchctl print ${TARGET}`,
      `launchctl print ${TARGET}`,
      `launchctl print ${TARGET}`,
      `launchctl enable ${TARGET}`,
      `launchctl bootstrap gui/501 ${manager.file}`,
    ])
  })

  test('of the machine keeps the keys for the user that reads them', async () => {
    const tools = recordingTool({ 'launchctl print system/': 'Could not find service' })
    const manager = launchd(place(true), 0)
    expect(manager.file).toBe('/Library/LaunchDaemons/com.clinvk.server.plist')
    const runAs = { user: 'me', home: '/Users/me' }
    await install(elsewhere(manager), { ...spec, runAs }, { run: tools.run, tell, force: false })
    expect(tools.asked[1]).toBe(`chown me ${spec.envFile}`)
    expect(tools.asked.at(-1)).toBe(`launchctl bootstrap system ${manager.file}`)
  })

  test('is told to let it go, also where it is not loaded', async () => {
    const manager = launchd(place(), 501)
    await write(manager.file, manager.describe(spec))
    const { run, asked } = recordingTool({
      'launchctl bootout': 'No such process',
      'launchctl print gui/501/': 'Could not find service',
    })
    await uninstall(manager, { run, tell })
    expect(asked).toEqual([
      'launchctl print gui/501',
      `launchctl bootout ${TARGET}`,
      `launchctl print ${TARGET}`,
    ])
    expect(await installed(manager.file)).toBeUndefined()
  })

  test('tells how it is', async () => {
    const stateOf = async (service: string | undefined, disabled = '') =>
      await launchd(place(), 501).state(async ([, verb]) =>
        verb === 'print-disabled'
          ? { ok: true, stdout: disabled, complaint: '' }
          : { ok: service !== undefined, stdout: service ?? '', complaint: 'Could not find service' },
      )
    const printed =
      'gui/501/com.clinvk.server = {\n\tactive count = 1\n\tstate = running\n\n\tpid = 4711\n}\n'
    expect(await stateOf(printed)).toEqual({ enabled: true, running: true, pid: 4711, words: 'running' })
    expect(await stateOf(printed, '\t"com.clinvk.server" => disabled\n')).toMatchObject({ enabled: false })
    expect(await stateOf('\tstate = not running\n')).toMatchObject({ running: false, words: 'not running' })
    expect(await stateOf(undefined)).toMatchObject({ enabled: false, running: false })
  })
})

test('systemd tells how it is', async () => {
  const stateOf = (stdout: string, ok = true) =>
    systemd(place()).state(async () => ({ ok, stdout, complaint: 'no bus' }))
  const shown = 'UnitFileState=enabled\nActiveState=active\nSubState=running\nResult=success\nMainPID=4711\n'
  expect(await stateOf(shown)).toEqual({ enabled: true, running: true, pid: 4711, words: 'active (running)' })
  expect(
    await stateOf(
      'UnitFileState=disabled\nActiveState=failed\nSubState=failed\nResult=exit-code\nMainPID=0\n',
    ),
  ).toEqual({ enabled: false, running: false, words: 'failed (failed) exit-code' })
  expect(await stateOf('', false)).toMatchObject({ running: false, words: expect.stringContaining('no bus') })
})
