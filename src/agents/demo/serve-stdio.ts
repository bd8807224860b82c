import { ndJsonStream } from '@agentclientprotocol/sdk'
import { MAX_LINE_BYTES } from '../../process/lines.ts'
import { createDemoAgent } from './agent.ts'

/** Runs the demo agent on this process's stdin and stdout. Resolves when stdin is closed. */
export async function serveStdio(version: string): Promise<void> {
  const app = createDemoAgent({
    version,
    crash(exitCode) {
      process.stderr.write('clinvk demo agent: crashing as asked\n')
      process.exit(exitCode)
    },
  })
  const stdout = Bun.stdout.writer()
  const output = new WritableStream<Uint8Array>({
    async write(chunk) {
      stdout.write(chunk)
      // Resolves when the pipe has taken it all: a client that reads slowly slows the agent.
      await stdout.flush()
    },
  })
  const stream = ndJsonStream(output, Bun.stdin.stream(), { maxMessageBytes: MAX_LINE_BYTES })
  await app.connect(stream).closed
}
