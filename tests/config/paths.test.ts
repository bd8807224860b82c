import { describe, expect, test } from 'bun:test'
import { expandHome, type PathSources, resolvePaths } from '../../src/config/paths.ts'

const sources = (changes: Partial<PathSources>): PathSources => ({
  env: {},
  homeDir: '/home/ann',
  cwd: '/work',
  ...changes,
})

describe('resolvePaths', () => {
  test.each([
    ['nothing', {}, { home: '/home/ann/.clinvk', configFile: '/home/ann/.clinvk/config.yaml' }],
    [
      'CLINVK_HOME',
      { env: { CLINVK_HOME: '/srv/clinvk' } },
      { home: '/srv/clinvk', configFile: '/srv/clinvk/config.yaml' },
    ],
    [
      'CLINVK_CONFIG over CLINVK_HOME',
      { env: { CLINVK_HOME: '~/c', CLINVK_CONFIG: '~/x.yaml' } },
      { home: '/home/ann/c', configFile: '/home/ann/x.yaml', namedBy: 'CLINVK_CONFIG' },
    ],
    [
      '--config over CLINVK_CONFIG, from the current folder',
      { flag: 'mine.yaml', env: { CLINVK_CONFIG: '/x.yaml' } },
      { home: '/home/ann/.clinvk', configFile: '/work/mine.yaml', namedBy: '--config' },
    ],
    [
      'empty variables, which are none',
      { env: { CLINVK_HOME: '', CLINVK_CONFIG: '' } },
      { home: '/home/ann/.clinvk', configFile: '/home/ann/.clinvk/config.yaml' },
    ],
  ] as const)('goes by %s', (_, changes, paths) => {
    expect(resolvePaths(sources(changes))).toEqual(paths)
  })

  test('refuses an empty --config', () => {
    expect(() => resolvePaths(sources({ flag: '' }))).toThrow('--config: expected the path of a file')
  })
})

test.each([
  ['~', '/home/ann'],
  ['~/a/b', '/home/ann/a/b'],
  ['~bob/a', '~bob/a'],
  ['/a/~/b', '/a/~/b'],
])('expandHome turns %s into %s', (path, expanded) => {
  expect(expandHome(path, '/home/ann')).toBe(expanded)
})
