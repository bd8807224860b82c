import { describe, expect, test } from 'bun:test'
import { chmod, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { loadApiKeys } from '../../src/config/api-keys.ts'
import { type RunSecretStore, runSecretStore } from '../../src/config/secret-store.ts'
import { failure, writeTemporary } from './support.ts'

const answers =
  (stdout: string): RunSecretStore =>
  async () => ({ ok: true, stdout })
const never: RunSecretStore = () => {
  throw new Error('the store must not be asked')
}

describe('loadApiKeys', () => {
  test('gives none where no source is named', async () => {
    expect(await loadApiKeys({ env: {}, run: never })).toEqual([])
  })

  test('takes keys from the variable, trimmed, without empty and double ones, and leaves the store alone', async () => {
    const env = { CLINVK_API_KEYS: ' one, two ,,one,\n three' }
    expect(await loadApiKeys({ env, gopassPath: 'a/b', run: never })).toEqual(['one', 'two', 'three'])
  })

  test('asks the store once for exactly the named secret', async () => {
    const commands: string[][] = []
    const run: RunSecretStore = async (command) => {
      commands.push([...command])
      return { ok: true, stdout: 'one,two\r\nthree\n' }
    }
    expect(await loadApiKeys({ env: {}, gopassPath: 'server/keys', run })).toEqual(['one', 'two', 'three'])
    expect(commands).toEqual([['gopass', 'show', '-o', 'server/keys']])
  })

  test.each(['', '  ', ',', ' , \n'])('fails closed where the variable is %j', async (keys) => {
    const error = await failure(loadApiKeys({ env: { CLINVK_API_KEYS: keys }, run: never }))
    expect(error.code).toBe('config_invalid')
    expect(error.message).toBe(
      'CLINVK_API_KEYS holds no API key. Put in at least one, or leave it out to run without keys.',
    )
  })

  test('fails closed where the secret is empty', async () => {
    const error = await failure(loadApiKeys({ env: {}, gopassPath: 'a/b', run: answers('\n') }))
    expect(error.message).toBe(
      'The gopass secret a/b holds no API key. Put in at least one, or leave it out to run without keys.',
    )
  })

  test('fails closed where the store fails, and says why', async () => {
    const run: RunSecretStore = async () => ({ ok: false, reason: 'ended with exit code 11: no such entry' })
    const error = await failure(loadApiKeys({ env: {}, gopassPath: 'a/b', run }))
    expect(error.code).toBe('config_invalid')
    expect(error.message).toBe(
      'The API keys could not be read: gopass show -o a/b ended with exit code 11: no such entry. ' +
        'The server does not start without them. Set CLINVK_API_KEYS, or leave the gopass path out to run without keys.',
    )
  })

  test.each(['good,open sesame', 'good,schlüssel', 'good,a\tb'])(
    'refuses a key that no header can carry: %j',
    async (keys) => {
      const error = await failure(loadApiKeys({ env: { CLINVK_API_KEYS: keys } }))
      expect(error.message).toBe(
        'CLINVK_API_KEYS: key 2 of 2 has a space or a letter outside ASCII in it, so no client could send it.',
      )
    },
  )
})

describe('runSecretStore', () => {
  test('gives what the program writes', async () => {
    expect(await runSecretStore([await script('printf "%s\\n" "$@"'), '-o', 'a b'])).toEqual({
      ok: true,
      stdout: '-o\na b\n',
    })
  })

  test('repeats stderr and never stdout when the program fails', async () => {
    expect(await runSecretStore([await script('echo the-secret; echo no key >&2; exit 7')])).toEqual({
      ok: false,
      reason: 'ended with exit code 7: no key',
    })
  })

  test('gives the program an input that has ended', async () => {
    expect(await runSecretStore([await script('cat; echo end')])).toEqual({ ok: true, stdout: 'end\n' })
  })

  test('says that a program is not there', async () => {
    expect(await runSecretStore(['/nowhere/gopass', 'show'])).toEqual({
      ok: false,
      reason: 'could not be run, because the program was not found on the PATH',
    })
  })
})

async function script(body: string): Promise<string> {
  const file = join(dirname(await writeTemporary('')), 'store')
  await writeFile(file, `#!/bin/sh\n${body}\n`)
  await chmod(file, 0o755)
  return file
}
