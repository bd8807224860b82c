/** The commands of docs/service.md, in their order, with a systemd that only notes what it is asked. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { chmod, mkdir, mkdtemp, readFile, realpath, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const PAGE = join(import.meta.dir, '../../docs/service.md')
const MAIN = join(import.meta.dir, '../../src/main.ts')

let home: string
beforeAll(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'clinvk-service-docs-')))
  await mkdir(join(home, 'bin'))
  const program = async (name: string, script: string) => {
    await Bun.write(join(home, 'bin', name), `#!/bin/sh\n${script}\n`)
    await chmod(join(home, 'bin', name), 0o755)
  }
  await program('systemctl', `echo "$*" >> '${home}/asked'`)
  // The page is the same on every system; this is how it reads on Linux, and where something may have its port.
  await program(
    'clinvk',
    `a=$1 b=$2; shift 2; [ $b = install ] && set -- "$@" --port 0
exec '${process.execPath}' '${MAIN}' "$a" "$b" --manager systemd "$@"`,
  )
})
afterAll(async () => await rm(home, { recursive: true, force: true }))

/** Status answers by whether the server does, and nothing serves here. */
const MAY_FAIL = 'clinvk service status'

test('every command of the page does what the page says', async () => {
  const text = await readFile(PAGE, 'utf8')
  const lines = [...text.matchAll(/```sh\n(.*?)```/gs)].flatMap(([, block = '']) => block.trim().split('\n'))
  expect(lines.length).toBeGreaterThan(5)
  const printed: string[] = []
  for (const line of lines) {
    const shell = Bun.spawn({
      cmd: ['sh', '-c', line],
      env: { PATH: `${home}/bin:/usr/bin:/bin`, HOME: home },
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
    })
    const [out, errors, code] = await Promise.all([shell.stdout.text(), shell.stderr.text(), shell.exited])
    expect([line, errors, line === MAY_FAIL ? 0 : code]).toEqual([line, '', 0])
    printed.push(out)
  }
  expect(printed[0]).toContain('[Service]')
  const asked = await readFile(join(home, 'asked'), 'utf8')
  for (const words of ['enable clinvk.service', 'restart clinvk\n', 'disable --now clinvk.service'])
    expect(asked).toContain(words)
  const keys = join(home, '.clinvk/env')
  expect(await readFile(keys, 'utf8')).toMatch(/^CLINVK_API_KEYS=\w{20,}$/m)
  expect((await stat(keys)).mode & 0o777).toBe(0o600)
}, 180_000)
