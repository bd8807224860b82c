import type { JsonSchema } from '../agents/client-tools.ts'

/** A schema and values to check with it. */
export interface CheckTask {
  readonly schema: JsonSchema
  readonly values: readonly unknown[]
  /** Whether more than the first problem of a value is looked for. */
  readonly allErrors: boolean
}

/** What is wrong with the schema, or with each value. `endless`: checking one of them came to no end. */
export type CheckResult =
  | string
  | { readonly problems: readonly (string | undefined)[]; readonly endless: boolean }

export const TOOK_TOO_LONG = Symbol('took too long')

/** How long a check may take once its thread is there, in ms. */
const DEADLINE_MS = 4000

/** How many may run at the same time; others wait for their turn. */
const MOST_THREADS = 4

/**
 * Checks values with a schema in a thread of its own, which is ended at a deadline: a schema of a few words can have
 * work for years, by its patterns or by references to what has two references itself.
 */
export async function checkAside(task: CheckTask): Promise<CheckResult | typeof TOOK_TOO_LONG> {
  if (running >= MOST_THREADS) await new Promise<void>((go) => waiting.push(go))
  else running += 1
  try {
    return await runThread(task)
  } finally {
    const next = waiting.shift()
    if (next) next()
    else running -= 1
  }
}

let running = 0
const waiting: (() => void)[] = []

async function runThread(task: CheckTask): Promise<CheckResult | typeof TOOK_TOO_LONG> {
  // Bundled or compiled, our file is part of another one, and the thread begins with `main.ts` as the program did.
  const bundled = !import.meta.path.endsWith('check-aside.ts')
  const thread = new Worker(bundled ? Bun.main : new URL('./check-thread.ts', import.meta.url))
  let timer: Timer | undefined
  try {
    return await new Promise((resolve, reject) => {
      thread.onerror = (event) => reject(new Error(`the thread of a check failed: ${event.message}`))
      thread.onmessage = ({ data }: MessageEvent<'ready' | CheckResult>) => {
        if (data !== 'ready') return resolve(data)
        timer = setTimeout(() => resolve(TOOK_TOO_LONG), DEADLINE_MS)
        try {
          thread.postMessage(task)
        } catch (error) {
          reject(error)
        }
      }
    })
  } finally {
    clearTimeout(timer)
    thread.terminate()
  }
}
