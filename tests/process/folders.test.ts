import { afterAll, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = await mkdtemp(join(tmpdir(), 'clinvk-folders-'))
afterAll(() => rm(root, { recursive: true, force: true }))

test('a scratch folder that there are no files left for can be asked for again later', async () => {
  const script = `
    import { openSync } from 'node:fs'
    import { createFolders } from ${JSON.stringify(join(import.meta.dir, '..', '..', 'src', 'process', 'folders.ts'))}
    const folders = createFolders({ defaultFolder: '/', allowed: [], blocked: [] }, ${JSON.stringify(root)})
    await (await folders.scratch()).cleanUp()
    try { for (;;) openSync('/dev/null') } catch {}
    const { code, status, retryable } = await folders.scratch().catch((error) => error)
    console.log(JSON.stringify({ code, status, retryable }))
  `
  const limited = Bun.spawn(['sh', '-c', 'ulimit -n 200 && exec "$0" -e "$1"', process.execPath, script], {
    stderr: 'inherit',
  })
  expect(JSON.parse(await limited.stdout.text())).toEqual({
    code: 'backend_not_ready',
    status: 503,
    retryable: true,
  })
})
