import { afterEach, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readEnvFile } from '../../src/config/env-file.ts'

const folders: string[] = []
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})
async function fileOf(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'clinvk-env-'))
  folders.push(folder)
  const path = join(folder, 'env')
  await Bun.write(path, text)
  return path
}

test('a file of variables is read as systemd reads it', async () => {
  const path = await fileOf(
    '# a comment\n; another\n\n  A=1\nB=two words \nC="quo\\"ted $x"\nD=\'single\'\r\nE=\nF=a=b#c\n',
  )
  expect(await readEnvFile(path)).toEqual({
    A: '1',
    B: 'two words',
    C: 'quo"ted $x',
    D: 'single',
    E: '',
    F: 'a=b#c',
  })
})

test('what is no variable is named by its line, and its value is not repeated', async () => {
  const path = await fileOf('A=1\nexport KEY=secret\nB="secret\n=secret\n')
  const error = await readEnvFile(path).catch((thrown: Error) => thrown)
  expect(error).toMatchObject({ code: 'config_invalid' })
  const { message } = error as Error
  for (const line of [2, 3, 4]) expect(message).toContain(`${path}:${line}:`)
  expect(message).not.toContain('secret')
})

test('a file that is not there is an error: the keys would have been in it', async () => {
  await expect(readEnvFile('/nowhere/env')).rejects.toMatchObject({ code: 'config_invalid' })
})
