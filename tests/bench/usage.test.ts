import { expect, test } from 'bun:test'
import { parseStat, sumTree } from '../../bench/usage.ts'

test('a line of /proc is read from behind the name, which may hold anything', () => {
  const line = `42 (a) S 1 (b) S 7 42 42 0 -1 4194560 1 2 3 4 150 50 300 25 20 0 1 0 99 1000 10`
  expect(parseStat(line)).toEqual({ pid: 42, parent: 7, cpu: 2, childrenCpu: 3.25 })
})

test('a tree is a process, those below it, and those of them that have ended', () => {
  const stats = [
    { pid: 1, parent: 0, cpu: 100, childrenCpu: 100 },
    { pid: 2, parent: 1, cpu: 1, childrenCpu: 2 },
    { pid: 3, parent: 2, cpu: 4, childrenCpu: 8 },
    { pid: 4, parent: 3, cpu: 16, childrenCpu: 32 },
    { pid: 5, parent: 1, cpu: 1000, childrenCpu: 0 },
  ]
  expect(sumTree(stats, 2)).toBe(63)
  expect(sumTree(stats, 9)).toBe(0)
})
