import { tmpdir } from 'node:os'
import { TEMPORARY_TODO, whyNotWritable } from '../../process/temporary.ts'
import type { Check } from './report.ts'

/** Looks at the place for temporary files: agents are started with some. */
export async function checkTemp(): Promise<Check> {
  const folder = tmpdir()
  const problem = await whyNotWritable(folder)
  const facts = { folder, writable: problem === undefined }
  if (problem === undefined)
    return { part: 'temp', status: 'ok', message: `Temporary files can be written in ${folder}.`, facts }
  const message = `Temporary files cannot be written in ${folder} (${problem}).`
  return { part: 'temp', status: 'fail', message, todo: TEMPORARY_TODO, facts }
}
