import { setImmediate as nextTick } from 'node:timers/promises'
import { ndJsonStream } from '@agentclientprotocol/sdk'
import { MAX_LINE_BYTES } from '../../process/lines.ts'
import { createDemoAgent } from './agent.ts'

/** Messages that come within a turn of the event loop are written together, up to so many bytes. */
const GATHERED_BYTES = 8 * 1024

/** Runs the demo agent on this process's stdin and stdout. Resolves when stdin is closed. */
export async function serveStdio(version: string): Promise<void> {
  const stdout = Bun.stdout.writer()
  let unwritten = 0
  let writing: Promise<void> | undefined
  let failure: { readonly error: unknown } | undefined
  const writeOut = async () => {
    await nextTick()
    try {
      while (unwritten > 0) {
        unwritten = 0
        await stdout.flush()
      }
    } catch (error) {
      failure = { error }
    }
    writing = undefined
  }
  const app = createDemoAgent({
    version,
    crash(exitCode) {
      void stdout.flush()
      process.stderr.write('clinvk demo agent: crashing as asked\n')
      process.exit(exitCode)
    },
  })
  const output = new WritableStream<Uint8Array>({
    async write(chunk) {
      if (failure) throw failure.error
      stdout.write(chunk)
      unwritten += chunk.length
      writing ??= writeOut()
      // Resolves when the pipe has taken it all: a client that reads slowly slows the agent.
      if (unwritten >= GATHERED_BYTES) await writing
    },
  })
  const stream = ndJsonStream(output, Bun.stdin.stream(), { maxMessageBytes: MAX_LINE_BYTES })
  await app.connect(stream).closed
  await writing
}
