import { describe, expect, test } from 'bun:test'
import { tmpdir } from 'node:os'
import { spawnChild } from '../../src/process/child.ts'
import { readLines } from '../../src/process/lines.ts'
import { memoryOfGroups, sumPs } from '../../src/process/memory.ts'

const MIB = 1024 ** 2
const env = { PATH: process.env['PATH'] ?? '' }
const hold = (script: string) => spawnChild({ command: [process.execPath, '-e', script], cwd: tmpdir(), env })

describe('the memory of a process group', () => {
  test('is that of its leader and all its descendants', async () => {
    const filled = `const held = Buffer.alloc(${64 * MIB}, 1); console.log('ready'); setInterval(() => held, 1e6)`
    const alone = await hold("console.log('ready'); setInterval(() => {}, 1e6)")
    const parent = await hold(
      `Bun.spawn([process.execPath, '-e', ${JSON.stringify(filled)}], { stdout: 'inherit' }); setInterval(() => {}, 1e6)`,
    )
    try {
      for (const child of [alone, parent])
        for await (const line of readLines(child.stdout)) if (line === 'ready') break
      const found = await memoryOfGroups([alone.pid, parent.pid, 999_999_999])
      const [one = 0, two = 0] = [found.get(alone.pid), found.get(parent.pid)]
      expect(one).toBeGreaterThan(MIB)
      expect(two - one).toBeGreaterThan(60 * MIB)
      expect(two).toBeLessThan(1024 * MIB)
      expect(found.size).toBe(2)
    } finally {
      await Promise.all([alone.terminate(), parent.terminate()])
    }
  })

  test('is not looked for where there is none', async () => {
    expect(await memoryOfGroups([])).toEqual(new Map())
  })

  test('is added up from what ps tells in KiB', () => {
    const output = '    1  1024\n   42   100\n   42    28\n   7 \n\nPGID RSS\n'
    expect(sumPs(output, new Set([42, 7, 8]))).toEqual(new Map([[42, 128 * 1024]]))
  })
})
