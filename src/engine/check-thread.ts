import type { CheckResult, CheckTask } from './check-aside.ts'
import { makeCheck } from './json-schema.ts'

/** The other end of `check-aside.ts`: says that it is there, takes one task, and tells what it found. */

declare const self: Worker

self.onmessage = ({ data }: MessageEvent<CheckTask>) => self.postMessage(work(data))
self.postMessage('ready')

function work({ schema, values, allErrors }: CheckTask): CheckResult {
  const check = makeCheck(schema, allErrors)
  if (typeof check === 'string') return check
  let endless = false
  const problems = values.map((value) => {
    try {
      return check(value)
    } catch (error) {
      endless = true
      return `it nests too deep to be checked (${error instanceof Error ? error.message : 'it failed'})`
    }
  })
  return { problems, endless }
}
