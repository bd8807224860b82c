import { describe, expect, test } from 'bun:test'
import { tmpdir } from 'node:os'
import { spawnChild } from '../../src/process/child.ts'
import { readLines } from '../../src/process/lines.ts'
import { isAlive, waitUntil } from '../support/processes.ts'

const env = { PATH: process.env['PATH'] ?? '' }
const shell = (script: string) => spawnChild({ command: ['sh', '-c', script], cwd: tmpdir(), env })
const read = async (output: AsyncIterable<Uint8Array>) => await Array.fromAsync(readLines(output))

describe('spawnChild', () => {
  test('reads the last words of a process that ends at once', async () => {
    for (let round = 0; round < 20; round += 1) {
      const child = await shell('printf "first\\nlast"; exit 3')
      expect(await read(child.stdout)).toEqual(['first', 'last'])
      expect(await child.exited).toEqual({ code: 3, signal: null })
    }
  })

  test('keeps stderr apart, and only its tail', async () => {
    const child = await shell(
      'echo answer; head -c 100000 /dev/zero | tr "\\0" x >&2; echo " last words" >&2',
    )
    expect(await read(child.stdout)).toEqual(['answer'])
    await child.exited
    await waitUntil(() => child.stderrTail() === 'last words')
  })

  test('gives the program its input and takes large answers', async () => {
    const child = await spawnChild({ command: ['cat'], cwd: tmpdir(), env })
    const text = `${'é'.repeat(300_000)}\n`
    void child.write(text).then(() => child.endInput())
    expect(`${(await read(child.stdout))[0]}\n`).toBe(text)
  })

  test('survives writing to a process that has ended', async () => {
    const child = await shell('exit 0')
    await child.exited
    await child.write('x'.repeat(1_000_000))
    await child.endInput()
    expect(child.alive).toBe(false)
  })

  test('ends a grandchild that outlives the process, whatever it holds and wherever it went', async () => {
    const child = await shell('sleep 1000 & echo $!; setsid sh -c "echo \\$\\$; exec sleep 1000" & sleep 0.2')
    const pids = (await read(child.stdout)).map(Number)
    await child.exited
    expect(pids).toHaveLength(2)
    await waitUntil(() => !pids.some(isAlive))
  })

  test('kills a group that ignores TERM', async () => {
    const child = await shell('trap "" TERM; sh -c \'trap "" TERM; echo $$; while :; do sleep 0.05; done\'')
    const [line] = await Array.fromAsync(take(readLines(child.stdout), 1))
    expect(await child.terminate({ termMs: 100 })).toEqual({ code: null, signal: 'SIGKILL' })
    expect(isAlive(Number(line))).toBe(false)
    expect(isAlive(child.pid)).toBe(false)
  })

  test('says which program or folder is missing', async () => {
    const missing = spawnChild({ command: ['clinvk-no-such-program'], cwd: tmpdir(), env })
    await expect(missing).rejects.toMatchObject({ code: 'backend_not_installed' })
    const nowhere = spawnChild({ command: ['sh'], cwd: '/no/such/folder', env })
    await expect(nowhere).rejects.toMatchObject({ code: 'invalid_workdir' })
  })
})

describe('the guardian', () => {
  test('ends the agents of a server that was killed', async () => {
    const script = `
      import { spawnChild } from '${import.meta.dir}/../../src/process/child.ts'
      const child = await spawnChild({ command: ['sh', '-c', 'setsid sleep 1000 & echo $!; exec sleep 1000'], cwd: '/', env: process.env })
      for await (const chunk of child.stdout) { console.log(child.pid, new TextDecoder().decode(chunk)) }
    `
    const server = Bun.spawn({ cmd: [process.execPath, '-e', script], stdout: 'pipe' })
    const reader = server.stdout.getReader()
    let text = ''
    while (!/^\d+ \d+/.test(text)) text += new TextDecoder().decode((await reader.read()).value)
    const pids = text.trim().split(/\s+/).map(Number)
    expect(pids.map(isAlive)).toEqual([true, true])
    server.kill('SIGKILL')
    await server.exited
    await waitUntil(() => !pids.some(isAlive))
  })
})

async function* take<T>(items: AsyncIterable<T>, count: number): AsyncGenerator<T, void> {
  let left = count
  for await (const item of items) {
    yield item
    left -= 1
    if (left === 0) return
  }
}
