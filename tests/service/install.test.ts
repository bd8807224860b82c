import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { install, installed, uninstall } from '../../src/service/install.ts'
import { launchd } from '../../src/service/launchd.ts'
import { systemd } from '../../src/service/systemd.ts'
import type { Manager, ServiceFlags, ServiceSpec, ToolOutcome } from '../../src/service/types.ts'
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
const SHOW =
  'systemctl --user show clinvk.service --property=UnitFileState,ActiveState,SubState,Result,MainPID'
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
      SHOW,
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
      SHOW.replace(' --user', ''),
    ])
    expect(told.join('\n')).not.toContain('linger')
    expect(told).toContain('Its log: journalctl --unit clinvk --follow')
    const bySudo = systemd({ ...place(true), env: { SUDO_USER: 'me' } })
    expect(bySudo.next).toContainEqual(['Its log', 'sudo journalctl --unit clinvk --follow'])
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

describe('a server that is to answer', () => {
  const server = (more: Partial<{ taken: boolean; serves: boolean[] }> = {}) => ({
    url: 'http://127.0.0.1:8080',
    urlOf: async ({ port }: ServiceFlags) => `http://127.0.0.1:${port}`,
    isTaken: async () => more.taken ?? false,
    isServing: async () => more.serves?.shift() ?? true,
  })
  const shows = (state: string, said: string[] = ['']) => {
    const asked: string[] = []
    const run = async (command: readonly string[]): Promise<ToolOutcome> => {
      asked.push(command.join(' '))
      const [program, , what] = command
      // What is said comes a moment after the end.
      if (program === 'journalctl')
        return { ok: true, stdout: said.shift() ?? 'clinvk: why\n\nsystemd: so\n', complaint: '' }
      return { ok: true, stdout: what === 'show' ? `${state}InvocationID=abc\n` : '', complaint: '' }
    }
    return { asked, run }
  }
  const RUNS = 'ActiveState=active\nSubState=running\nResult=success\n'

  test('is waited for, and its address told', async () => {
    const { run, asked } = shows(RUNS)
    const probe = server({ serves: [false, true] })
    await install(systemd(place()), spec, { run, tell, force: false, server: probe })
    expect(told).toContain('It answers at http://127.0.0.1:8080.')
    expect(asked.filter((words) => words === SHOW)).toHaveLength(2)
  })

  test('but ends is told of, with the end of its log', async () => {
    const { run, asked } = shows('ActiveState=activating\nSubState=auto-restart\nResult=exit-code\n')
    // It is a server of somebody else that answers.
    await expect(
      install(systemd(place()), spec, { run, tell, force: false, server: server() }),
    ).rejects.toThrow(
      'does not keep running: activating (auto-restart) exit-code. Its log ends with:\n  clinvk: why\n  systemd: so',
    )
    expect(asked.at(-1)).toEndWith(' _SYSTEMD_INVOCATION_ID=abc + USER_INVOCATION_ID=abc')
    expect(await installed(systemd(place()).file)).toMatchObject({ ours: true })
  })

  test('whose log may not be read is told of with the way to it', async () => {
    const { run } = shows('ActiveState=failed\nResult=exit-code\n', Array(5).fill(''))
    await expect(install(systemd(place()), spec, { run, tell, force: false })).rejects.toThrow(
      'does not keep running: failed exit-code. Its log: journalctl --user-unit clinvk --follow',
    )
  })

  test('finds no place where somebody else listens, unless that is the one before it', async () => {
    const { run, asked } = shows(RUNS)
    const manager = systemd(place())
    const taken = { run, tell, force: false, server: server({ taken: true }) }
    await expect(install(manager, spec, taken)).rejects.toThrow(
      'something listens at http://127.0.0.1:8080 already',
    )
    expect([told, await readdir(home), asked.some((words) => words.includes('restart'))]).toEqual([
      [],
      [],
      false,
    ])
    await write(manager.file, manager.describe(specOf({ flags: { port: '9090' } })))
    await expect(install(manager, spec, taken)).rejects.toThrow('give the service another --port')
    await write(manager.file, manager.describe(spec))
    await install(manager, spec, taken)
    expect(told).toContain('It answers at http://127.0.0.1:8080.')
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
      `launchctl print ${TARGET}`,
      'launchctl print-disabled gui/501',
    ])
  })

  test('of the machine keeps the keys for the user that reads them', async () => {
    const tools = recordingTool({ 'launchctl print system/': 'Could not find service' })
    const manager = launchd(place(true), 0)
    expect(manager.file).toBe('/Library/LaunchDaemons/com.clinvk.server.plist')
    const runAs = { user: 'me', home: '/Users/me' }
    await install(elsewhere(manager), { ...spec, runAs }, { run: tools.run, tell, force: false })
    expect(tools.asked[1]).toBe(`chown me ${spec.envFile}`)
    expect(tools.asked).toContain(`launchctl bootstrap system ${manager.file}`)
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
    expect(await stateOf(printed)).toEqual({
      enabled: true,
      running: true,
      failed: false,
      pid: 4711,
      words: 'running',
    })
    expect(await stateOf(printed, '\t"com.clinvk.server" => disabled\n')).toMatchObject({ enabled: false })
    expect(await stateOf('\tstate = not running\n')).toMatchObject({ running: false, words: 'not running' })
    const ended = (code: string) => stateOf(`\tstate = spawn scheduled\n\tlast exit code = ${code}\n`)
    expect(await ended('3')).toMatchObject({ running: false, failed: true })
    for (const code of ['0', '(never exited)']) expect(await ended(code)).toMatchObject({ failed: false })
    expect(await stateOf(undefined)).toMatchObject({ enabled: false, running: false })
  })
})

test('systemd tells how it is', async () => {
  const stateOf = (stdout: string, ok = true) =>
    systemd(place()).state(async () => ({ ok, stdout, complaint: 'no bus' }))
  const shown = 'UnitFileState=enabled\nActiveState=active\nSubState=running\nResult=success\nMainPID=4711\n'
  expect(await stateOf(shown)).toEqual({
    enabled: true,
    running: true,
    failed: false,
    pid: 4711,
    words: 'active (running)',
  })
  expect(
    await stateOf(
      'UnitFileState=disabled\nActiveState=failed\nSubState=failed\nResult=exit-code\nMainPID=0\n',
    ),
  ).toEqual({ enabled: false, running: false, failed: true, words: 'failed (failed) exit-code' })
  const between = 'ActiveState=activating\nSubState=auto-restart\nResult=signal\nMainPID=0\n'
  expect(await stateOf(between)).toMatchObject({ running: false, failed: true })
  expect(await stateOf('ActiveState=inactive\nResult=success\n')).toMatchObject({ failed: false })
  expect(await stateOf('', false)).toMatchObject({ running: false, words: expect.stringContaining('no bus') })
})
