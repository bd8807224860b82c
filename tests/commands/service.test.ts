/** `clinvk service` as a process, with service managers that only note what they are asked. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { chmod, mkdir, mkdtemp, readFile, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from '../support/events.ts'
import { processesIn } from '../support/processes.ts'
import { type ServedClinvk, startClinvk } from '../support/serve.ts'
import { readAssignments, readCommand, readUnit } from '../support/unit-file.ts'

const MAIN = join(import.meta.dir, '../../src/main.ts')

let home: string
let bin: string
beforeEach(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'clinvk-service-')))
  bin = join(home, 'bin')
  await mkdir(bin)
})
afterEach(async () => {
  expect(await processesIn(home)).toEqual([])
  await rm(home, { recursive: true, force: true })
})

/** A program that notes its words and then does what the script says. */
async function fake(name: string, script = ''): Promise<void> {
  const path = join(bin, name)
  await Bun.write(path, `#!/bin/sh\necho "${name} $*" >> '${home}/asked'\n${script}\n`)
  await chmod(path, 0o755)
}
const asked = async () =>
  (await readFile(join(home, 'asked'), 'utf8').catch(() => '')).split('\n').slice(0, -1)

/** Only our own programs are on the PATH: the machine's manager cannot be reached. */
async function service(words: readonly string[], more: Record<string, string> = {}) {
  const proc = Bun.spawn({
    cmd: [process.execPath, '--no-env-file', MAIN, 'service', ...words],
    cwd: home,
    env: { PATH: bin, HOME: home, ...more },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [stdout, stderr, code] = await Promise.all([proc.stdout.text(), proc.stderr.text(), proc.exited])
  return { stdout, stderr, code }
}
const UNIT = '.config/systemd/user/clinvk.service'
const SHOW =
  'systemctl --user show clinvk.service --property=UnitFileState,ActiveState,SubState,Result,MainPID'
/** A port where nobody listens. */
function freePort(): string {
  const server = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } })
  server.stop(true)
  return String(server.port)
}
const ON_LINUX = ['--manager', 'systemd']
const RUNNING = `case "$*" in *clinvk.service*--property*)
  printf 'UnitFileState=enabled\\nActiveState=active\\nSubState=running\\nResult=success\\nMainPID=4711\\nInvocationID=abc\\n';; esac`

const FAILED = RUNNING.replace(
  'active\\nSubState=running\\nResult=success',
  'failed\\nSubState=failed\\nResult=exit-code',
)

describe('clinvk service print', () => {
  test('shows the unit that runs what runs now, with its options', async () => {
    const options = ['--host', '::1', '-p', '3000', '--config', 'my config.yaml', '--demo']
    await Bun.write(join(home, 'my config.yaml'), 'server: {drain_secs: 90}\n')
    const { stdout, code } = await service(['print', ...ON_LINUX, ...options], {
      CLINVK_HOME: join(home, 'of mine'),
      PATH: `${bin}:relative:${bin}::/opt/a b`,
    })
    expect(code).toBe(0)
    const { Service = {} } = readUnit(stdout)
    const command = readCommand(Service['ExecStart']?.[0] ?? '')
    expect(command[0]).toBe(process.execPath)
    expect(command.slice(command.indexOf(MAIN))).toEqual([
      MAIN,
      'serve',
      '--host',
      '::1',
      '--port',
      '3000',
      '--config',
      join(home, 'my config.yaml'),
      '--demo',
    ])
    expect(Service['Environment']?.flatMap(readAssignments)).toEqual([
      `PATH=${bin}:/opt/a b`,
      `CLINVK_HOME=${join(home, 'of mine')}`,
    ])
    expect(Service['EnvironmentFile']).toEqual([join(home, 'of mine', 'env')])
    expect(Service['TimeoutStopSec']).toEqual(['120'])
    expect(await asked()).toEqual([])
  }, 180_000)

  test('puts what variables say into options, and no secret anywhere', async () => {
    const { stdout } = await service(['print', ...ON_LINUX], {
      CLINVK_PORT: '3001',
      CLINVK_API_KEYS: 'hunter2',
      OPENAI_API_KEY: 'hunter2',
    })
    expect(readCommand(readUnit(stdout)['Service']?.['ExecStart']?.[0] ?? '').slice(-2)).toEqual([
      '--port',
      '3001',
    ])
    expect(stdout).not.toContain('hunter2')
  }, 180_000)

  test('shows the property list of launchd', async () => {
    const { stdout, code } = await service(['print', '--manager', 'launchd', '--port', '3000'])
    expect(code).toBe(0)
    expect(stdout).toContain('<string>com.clinvk.server</string>')
    expect(stdout).toContain('<string>--port</string>\n        <string>3000</string>')
  }, 180_000)

  test('asks whom a service of the machine runs as, and knows whether there is such a user', async () => {
    const root = process.getuid?.() === 0
    const plain = await service(['print', ...ON_LINUX, '--system'])
    expect([plain.code, plain.stderr.includes('--run-as')]).toEqual(root ? [2, true] : [0, false])
    const sudo = await service(['print', ...ON_LINUX, '--system'], root ? { SUDO_USER: 'daemon' } : {})
    expect(readUnit(sudo.stdout)['Service']).toMatchObject({ EnvironmentFile: ['/etc/clinvk/env'] })
    if (root) expect(sudo.stdout).toContain('User=daemon\n')
    const named = await service(['print', ...ON_LINUX, '--system', '--run-as', 'daemon'])
    expect(named.stdout).toContain('User=daemon\n')
    for (const user of ['no-such-user', 'a;b', '-x'])
      expect((await service(['print', ...ON_LINUX, '--system', `--run-as=${user}`])).code).toBe(2)
    expect((await service(['print', ...ON_LINUX, '--run-as', 'daemon'])).code).toBe(2)
  }, 180_000)

  test('refuses what serve would refuse', async () => {
    expect((await service(['print', '--port', 'many'])).code).toBe(3)
    expect((await service(['print', '--config', 'missing.yaml'])).code).toBe(3)
    expect((await service(['print', '--manager', 'upstart'])).code).toBe(2)
    expect((await service(['print', '--prot', '1'])).stderr).toContain('did you mean --port?')
  }, 180_000)
})

describe('clinvk service', () => {
  test('is installed, tells how it is, and is removed', async () => {
    await fake('systemctl')
    const port = freePort()
    const installed = await service(['install', ...ON_LINUX, '--port', port])
    expect([installed.code, installed.stderr]).toEqual([0, ''])
    expect(installed.stdout).toContain(`Wrote ${join(home, UNIT)}.`)
    expect(installed.stdout).toContain('journalctl --user-unit clinvk --follow')
    expect(await readFile(join(home, UNIT), 'utf8')).toBe(
      (await service(['print', ...ON_LINUX, '--port', port])).stdout,
    )
    await fake('systemctl', RUNNING)
    const status = await service(['status', ...ON_LINUX])
    expect(status.stdout).toBe(
      `Installed: ${join(home, UNIT)}
Enabled:   yes
Running:   yes, active (running), process 4711
Health:    http://127.0.0.1:${port}/health does not answer
`,
    )
    expect(status.code).toBe(1)
    expect((await service(['uninstall', ...ON_LINUX])).code).toBe(0)
    expect(await Bun.file(join(home, UNIT)).exists()).toBe(false)
    expect(await asked()).toEqual([
      'systemctl --user show --property=Version',
      'systemctl --user daemon-reload',
      'systemctl --user enable clinvk.service',
      'systemctl --user restart clinvk.service',
      SHOW,
      SHOW,
      'systemctl --user show --property=Version',
      'systemctl --user disable --now clinvk.service',
      'systemctl --user daemon-reload',
    ])
    const gone = await service(['status', ...ON_LINUX])
    expect([gone.code, gone.stdout]).toEqual([1, `Not installed: there is no ${join(home, UNIT)}.\n`])
  }, 180_000)

  test('tells whether the server that it runs answers', async () => {
    await fake('systemctl', RUNNING)
    const server: ServedClinvk = await startClinvk({ env: { PATH: bin, HOME: home }, cwd: home })
    const { port } = new URL(server.url)
    const words = [...ON_LINUX, '--port', port]
    // What listens is not the service's.
    expect(await service(['install', ...words])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`something listens at ${server.url} already`),
    })
    await Bun.write(join(home, UNIT), (await service(['print', ...words])).stdout)
    expect((await service(['install', ...words])).stdout).toContain(`It answers at ${server.url}.`)
    const { stdout, code } = await service(['status', ...ON_LINUX, '--json'])
    expect([code, JSON.parse(stdout)]).toEqual([
      0,
      {
        manager: 'systemd',
        file: join(home, UNIT),
        installed: true,
        ours: true,
        enabled: true,
        running: true,
        pid: 4711,
        state: 'active (running)',
        url: server.url,
        health: 'ok',
      },
    ])
    expect(await server.stop()).toBe(0)
  }, 180_000)

  test('tells why it does not run', async () => {
    await fake('systemctl')
    await service(['install', ...ON_LINUX, '--port', freePort()])
    await fake('systemctl', FAILED)
    await fake('journalctl', "echo 'clinvk: The configuration has a problem:'; echo '  somewhere'")
    const config = join(home, '.clinvk/config.yaml')
    await Bun.write(config, 'server: {prot: 1}\n')
    const { stdout, code } = await service(['status', ...ON_LINUX])
    expect(code).toBe(1)
    expect(stdout).toContain('Running:   no, failed (failed) exit-code\n')
    expect(stdout).toContain(`Health:    unknown: The configuration has a problem:\n  ${config}:1:10:`)
    expect(stdout).toEndWith(
      'Its log ends with:\n  clinvk: The configuration has a problem:\n    somewhere\n',
    )
    const told = JSON.parse((await service(['status', ...ON_LINUX, '--json'])).stdout)
    expect(told.log).toEqual(['clinvk: The configuration has a problem:', '  somewhere'])
    await rm(config)
    expect(await service(['install', ...ON_LINUX, '--port', freePort()])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('does not keep running: failed (failed) exit-code'),
    })
  }, 180_000)

  test('only says what it would do with --dry-run', async () => {
    await fake('systemctl')
    const { stdout, code } = await service(['install', ...ON_LINUX, '--dry-run'])
    expect(code).toBe(0)
    expect(stdout).toContain(`Would write ${join(home, UNIT)}:`)
    expect(stdout).toContain('Would run: systemctl --user enable clinvk.service')
    expect(await asked()).toEqual([])
    expect(await Bun.file(join(home, UNIT)).exists()).toBe(false)
  }, 180_000)

  test('leaves a unit that somebody else wrote, unless it is forced', async () => {
    await fake('systemctl')
    await Bun.write(join(home, UNIT), '[Service]\n')
    const words = [...ON_LINUX, '--port', freePort()]
    const refused = await service(['install', ...words])
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('--force') })
    expect((await service(['uninstall', ...ON_LINUX])).code).toBe(1)
    expect(await readFile(join(home, UNIT), 'utf8')).toBe('[Service]\n')
    expect((await service(['install', ...words, '--force'])).code).toBe(0)
    expect((await service(['uninstall', ...ON_LINUX])).code).toBe(0)
  }, 180_000)

  test('says that systemd is not there, or does not run', async () => {
    const missing = await service(['install', ...ON_LINUX])
    expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('was not found on the PATH') })
    await fake(
      'systemctl',
      "echo 'System has not been booted with systemd as init system (PID 1).' >&2; exit 1",
    )
    const dead = await service(['install', ...ON_LINUX])
    expect(dead.code).toBe(1)
    expect(dead.stderr).toBe(
      'clinvk: systemd does not run here, or does not listen to you: System has not been booted with systemd as init system (PID 1). Nothing was changed. "clinvk service print" shows the file for another machine.\n',
    )
    expect(await Bun.file(join(home, UNIT)).exists()).toBe(false)
  }, 180_000)

  test('is installed for launchd, and removed', async () => {
    await fake('launchctl', 'case "$*" in "print "*com.clinvk*) echo gone >&2; exit 113;; esac')
    const domain = `gui/${process.getuid?.()}`
    const list = join(home, 'Library/LaunchAgents/com.clinvk.server.plist')
    expect((await service(['install', '--manager', 'launchd', '--port', freePort()])).code).toBe(0)
    expect(await readFile(list, 'utf8')).toStartWith('<?xml')
    expect((await service(['uninstall', '--manager', 'launchd'])).code).toBe(0)
    expect(await Bun.file(list).exists()).toBe(false)
    // That one is asked beside another.
    expect((await asked()).filter((words) => !words.includes('print-disabled'))).toEqual([
      `launchctl print ${domain}`,
      `launchctl bootout ${domain}/com.clinvk.server`,
      `launchctl print ${domain}/com.clinvk.server`,
      `launchctl enable ${domain}/com.clinvk.server`,
      `launchctl bootstrap ${domain} ${list}`,
      `launchctl print ${domain}/com.clinvk.server`,
      `launchctl print ${domain}`,
      `launchctl bootout ${domain}/com.clinvk.server`,
      `launchctl print ${domain}/com.clinvk.server`,
    ])
  }, 180_000)
})

test('the unit’s own command line starts a server that its keys close, and SIGTERM ends it in order', async () => {
  await fake('systemctl')
  await service(['install', ...ON_LINUX, '--port', '0', '--demo'])
  await Bun.write(join(home, '.clinvk/env'), "CLINVK_API_KEYS='secret'\n")
  const { Service = {} } = readUnit(await readFile(join(home, UNIT), 'utf8'))
  const command = readCommand(Service['ExecStart']?.[0] ?? '')
  const words = command.slice(command.indexOf('serve') + 1)
  // The file of variables as launchd's service has it read.
  const args = [...words, '--env-file', Service['EnvironmentFile']?.[0] ?? '']
  const server = await startClinvk({ env: { PATH: bin, HOME: home }, cwd: '/', args })
  const prompt = { backend: 'demo', prompt: 'demo: session' }
  expect((await server.post('/api/v1/prompt', prompt)).status).toBe(401)
  const key = { headers: { 'x-api-key': 'secret' } }
  const answer = await json(await server.post('/api/v1/prompt', prompt, key))
  expect(answer.response).toContain(join(home, '.clinvk/workspace'))
  expect(await server.stop('SIGTERM')).toBe(0)
}, 180_000)

test('a server whose file of keys is gone does not start', async () => {
  const args = ['--env-file', join(home, 'missing')]
  await expect(startClinvk({ env: { PATH: bin, HOME: home }, cwd: home, args })).rejects.toThrow(
    /code 3:[\s\S]*--env-file/,
  )
}, 180_000)
