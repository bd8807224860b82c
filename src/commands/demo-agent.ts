import { defineCommand } from 'citty'
import { serveStdio } from '../agents/demo/serve-stdio.ts'
import { VERSION } from '../version.ts'

/** `clinvk demo-agent`: what clinvk starts as the process of its demo backend. Not for people. */
export default defineCommand({
  meta: {
    name: 'demo-agent',
    description: 'The demo agent: speaks ACP on stdin and stdout, answers without a model.',
    hidden: true,
  },
  async run() {
    await serveStdio(VERSION)
    // A script may still wait or ignore its cancel; with stdin closed nobody is there to hear it.
    process.exit(0)
  },
})
