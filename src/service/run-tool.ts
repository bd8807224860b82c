import { execFile } from 'node:child_process'
import type { RunTool } from './types.ts'

/** Runs a tool of the system with nothing on stdin, for as long as it takes: a service that is stopped may drain. */
export const runTool: RunTool = ([program = '', ...args]) =>
  new Promise((done) => {
    const child = execFile(program, args, { encoding: 'utf8' }, (error, stdout, stderr) => {
      done({ ok: error === null, stdout, complaint: error === null ? '' : complaintOf(error, stderr) })
    })
    child.stdin?.end()
  })

function complaintOf(error: Error & { code?: unknown }, stderr: string): string {
  if (error.code === 'ENOENT') return 'the program was not found on the PATH'
  const words = stderr.trim().split('\n').slice(0, 2).join(' ')
  return words === '' ? `it ended with ${String(error.code ?? 'a signal')}` : words.replace(/\.$/, '')
}
