import { afterEach, describe, expect, test } from 'bun:test'
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { readMarker } from '../../src/service/marker.ts'
import { toUnit } from '../../src/service/unit.ts'
import { commandLine } from '../../src/service/unit-words.ts'
import { needTool } from '../support/tools.ts'
import { readAssignments, readCommand, readPattern, readUnit } from '../support/unit-file.ts'
import { NASTY, specOf } from './support.ts'

const machine = { runAs: { user: 'me', home: '/home/me' } }

test('the unit of the machine is as the documents have it, hardened as far as agents can bear it', () => {
  expect(readUnit(toUnit(specOf(machine)))).toEqual({
    Unit: {
      Description: ['clinvk API Server'],
      Wants: ['network-online.target'],
      After: ['network-online.target'],
    },
    Service: {
      Type: ['simple'],
      User: ['me'],
      ExecStart: ['/usr/local/bin/clinvk serve --port 8080'],
      WorkingDirectory: ['/'],
      Environment: ['PATH=/usr/local/bin:/usr/bin'],
      EnvironmentFile: ['/home/me/.clinvk/env'],
      Restart: ['on-failure'],
      RestartSec: ['5'],
      RestartPreventExitStatus: ['2 3'],
      KillMode: ['mixed'],
      TimeoutStopSec: ['60'],
      NoNewPrivileges: ['yes'],
      ProtectSystem: ['full'],
      PrivateTmp: ['yes'],
    },
    Install: { WantedBy: ['multi-user.target'] },
  })
})

test('the unit of a user names no user, and nothing that only the machine’s manager can do', () => {
  const { Unit, Service, Install } = readUnit(toUnit(specOf()))
  expect(Unit).toEqual({ Description: ['clinvk API Server'] })
  expect(Install).toEqual({ WantedBy: ['default.target'] })
  expect(Service).toMatchObject({ NoNewPrivileges: ['yes'], KillMode: ['mixed'] })
  for (const key of ['User', 'ProtectSystem', 'PrivateTmp']) expect(Service).not.toHaveProperty(key)
})

test('a unit gives the time that prompts have to end, and more', () => {
  const stop = (drainSecs: number) => readUnit(toUnit(specOf({ drainSecs })))['Service']?.['TimeoutStopSec']
  expect([stop(0), stop(0.5), stop(600)]).toEqual([['30'], ['31'], ['630']])
})

/** The words that a shell, which is told to run them, would run. */
async function ranBy([shell = '', flag = '', script = '', ...words]: readonly string[]): Promise<string[]> {
  expect(script).toStartWith('exec ')
  const told = script.replace('exec ', "printf '%s\\n' ")
  const text = await Bun.spawn({ cmd: [shell, flag, told, ...words], stdout: 'pipe' }).stdout.text()
  return text.split('\n').slice(0, -1)
}

test.each(NASTY)('%p reaches the service as it is', async (text) => {
  const unit = toUnit(
    specOf({
      command: [`/opt/${text}/clinvk`, 'serve', text, `--config=${text}`],
      variables: { PATH: `/opt/${text}`, OTHER: text },
      envFile: `/opt/${text}/env`,
      flags: { config: text },
    }),
  )
  const { Service = {} } = readUnit(unit)
  const command = readCommand(Service['ExecStart']?.[0] ?? '')
  // systemd runs no program with a quote in its name, but a shell does.
  const ran = command[0] === '/bin/sh' ? await ranBy(command) : command
  expect(ran).toEqual([`/opt/${text}/clinvk`, 'serve', text, `--config=${text}`])
  expect(Service['Environment']?.flatMap(readAssignments)).toEqual([`PATH=/opt/${text}`, `OTHER=${text}`])
  expect(readPattern(Service['EnvironmentFile']?.[0] ?? '')).toBe(`/opt/${text}/env`)
  expect(readMarker(unit)).toEqual({ config: text })
})

test.each(['two\nlines', 'a\tb', '\0', '\x7f'])(
  '%j is refused: it could not be written everywhere',
  (text) => {
    expect(() => toUnit(specOf({ envFile: text }))).toThrow('control character')
    expect(() => commandLine(['/bin/true', text])).toThrow('control character')
  },
)

// Elsewhere there is no systemd, and the reader above has to do.
if (process.platform === 'linux')
  describe('systemd itself', () => {
    const folders: string[] = []
    afterEach(async () => {
      for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
    })

    /** What `systemd-analyze verify` complains of. */
    async function complaints(text: string, user: boolean): Promise<string> {
      const program = await needTool('systemd-analyze', 'systemd')
      const folder = await mkdtemp(join(tmpdir(), 'clinvk-unit-'))
      folders.push(folder)
      const file = join(folder, 'clinvk.service')
      await Bun.write(file, text)
      const verify = Bun.spawn({
        cmd: [program, ...(user ? ['--user'] : []), '--man=no', 'verify', file],
        env: { PATH: '/usr/bin:/bin', HOME: folder, XDG_RUNTIME_DIR: folder },
        stdout: 'pipe',
        stderr: 'pipe',
      })
      const [out, errors, code] = await Promise.all([
        verify.stdout.text(),
        verify.stderr.text(),
        verify.exited,
      ])
      // Other units of the machine may have faults of their own.
      const ours = (out + errors).split('\n').filter((line) => line.includes(basename(file)) || code !== 0)
      return ours.join('\n').trim()
    }
    async function programAt(name: string): Promise<string> {
      const folder = join(await mkdtemp(join(tmpdir(), 'clinvk-program-')), name)
      folders.push(folder)
      await mkdir(folder)
      const program = join(folder, 'clinvk')
      await Bun.write(program, '#!/bin/sh\n')
      await chmod(program, 0o755)
      return program
    }

    test.each([
      ['a user', {}],
      ['the machine', { runAs: { user: 'daemon', home: '/' } }],
    ] as const)(
      'has nothing to complain of in the unit of %s',
      async (_, more) => {
        const command = [
          await programAt('bin'),
          'serve',
          '--host',
          '::1',
          '--config',
          '/a b/$c/100%/"d".yaml',
        ]
        const unit = toUnit(specOf({ command, ...more }))
        expect(await complaints(unit, !('runAs' in more))).toBe('')
        // It would have.
        const wrong = unit.replace('KillMode=mixed', 'KillMode=gentle')
        expect(await complaints(wrong, !('runAs' in more))).toContain('kill mode')
      },
      180_000,
    )

    test.each(['with space', '100%', '$HOME', 'say "hi"', "it's", 'back\\slash', '€', '%h'])(
      'finds a program in a folder named %p',
      async (name) => {
        const program = await programAt(name)
        const unit = toUnit(specOf({ command: [program, 'serve'] }))
        expect(await complaints(unit, true)).toBe('')
        await rm(program)
        if (!unit.includes('ExecStart=/bin/sh')) expect(await complaints(unit, true)).toContain(program)
      },
      180_000,
    )
  })
