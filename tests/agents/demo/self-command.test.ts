import { expect, test } from 'bun:test'
import { devNull } from 'node:os'
import { resolve } from 'node:path'
import { selfCommand, toSelfCommand } from '../../../src/agents/demo/self-command.ts'

const FLAGS = ['--no-env-file', `--config=${devNull}`, `--tsconfig-override=${devNull}`]
const SELF = resolve(import.meta.dir, '../../../src/agents/demo/self-command.ts')
const SOURCE = resolve(import.meta.dir, '../../../src/main.ts')

test('from source it is the running Bun and the absolute path of src/main.ts', () => {
  expect(selfCommand(['demo-agent'])).toEqual([process.execPath, ...FLAGS, SOURCE, 'demo-agent'])
})

test.each([
  ['/$bunfs/root/clinvk', ['/bin/clinvk', 'demo-agent']],
  ['B:/~BUN/root/clinvk.exe', ['/bin/clinvk', 'demo-agent']],
  ['B:\\~BUN\\root\\clinvk.exe', ['/bin/clinvk', 'demo-agent']],
  ['/home/me/bunfs/main.ts', ['/bin/clinvk', ...FLAGS, SOURCE, 'demo-agent']],
])('started with %s', (entry, command) => {
  expect(toSelfCommand({ entry, executable: '/bin/clinvk', file: SELF }, ['demo-agent'])).toEqual(command)
})

test('a bundle starts itself again', () => {
  const bundled = { entry: '/lib/main.js', executable: '/bin/bun', file: '/lib/chunk-1.js' }
  expect(toSelfCommand(bundled, ['demo-agent'])).toEqual(['/bin/bun', ...FLAGS, '/lib/main.js', 'demo-agent'])
})
