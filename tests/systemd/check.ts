/**
 * `bun run check:systemd`: does what docs/service.md says with a systemd that runs, and the executable. `--keep DIR` keeps
 * what was fetched from Debian for the next time, `--program FILE` takes an executable that is there.
 */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { agentBin } from '../agents/install.ts'
import { createChecks } from '../support/checks.ts'
import { must } from '../support/execute.ts'
import { makeMachine, putProgram } from './machine.ts'
import { checkMachineService } from './machine-service.ts'
import { checkUserService } from './user-service.ts'
import { createWorkbench } from './workbench.ts'

const ROOT = join(import.meta.dir, '../..')
const { values } = parseArgs({ options: { keep: { type: 'string' }, program: { type: 'string' } } })

const { check, end } = createChecks()
const machine = await makeMachine(ROOT, values.keep)
if ('reason' in machine) console.log(`skipped: ${machine.reason}`)
else {
  const out = await mkdtemp(join(tmpdir(), 'clinvk-systemd-build-'))
  try {
    await agentBin()
    if (!values.program) await must([process.execPath, join(ROOT, 'packaging/build.ts'), '--out', out])
    await putProgram(machine, values.program ?? join(out, 'clinvk'), 'usr/local/bin/clinvk')
    if (await check('systemd starts', () => machine.boot())) {
      const bench = await createWorkbench(machine, ROOT)
      console.log(`   ${await bench.version()}`)
      await checkUserService(check, bench)
      await checkMachineService(check, bench)
    }
  } finally {
    await machine.close()
    await rm(out, { recursive: true })
  }
  const left = (await readdir(tmpdir())).filter((name) => name.startsWith('clinvk-systemd-'))
  if (left.length > 0) console.log(`note: ${left.join(', ')} is left in ${tmpdir()}.`)
  end()
}
