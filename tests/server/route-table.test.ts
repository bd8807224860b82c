import { expect, test } from 'bun:test'
import { createRouteTable } from '../../src/server/route-table.ts'

const table = createRouteTable()
table.learn(() => [
  { method: 'GET', path: '/a/:id' },
  { method: 'DELETE', path: '/a/:id' },
  { method: 'POST', path: '/b.c' },
  { method: 'GET', path: '/files/*' },
  { method: 'GET', path: '/files/new' },
])

const paths: [path: string, methods: string[]][] = [
  ['/a/1', ['DELETE', 'GET', 'HEAD']],
  ['/a/1/', ['DELETE', 'GET', 'HEAD']],
  ['/a/1/2', []],
  ['/a/', []],
  ['/b.c', ['POST']],
  ['/bxc', []],
  ['/files/x/y', ['GET', 'HEAD']],
  ['/', []],
]
for (const [path, methods] of paths)
  test(`${path} answers to ${methods.join(', ') || 'nothing'}`, () => {
    expect(table.methodsOf(path)).toEqual(methods)
  })

const patterns: [path: string, pattern: string | undefined][] = [
  ['/a/1', '/a/:id'],
  ['/a/:id', '/a/:id'],
  ['/files/old', '/files/*'],
  ['/files/new', '/files/new'],
  ['/none', undefined],
]
for (const [path, pattern] of patterns)
  test(`${path} leads to ${pattern ?? 'nothing'}`, () => {
    expect(table.patternOf(path)).toBe(pattern)
  })
