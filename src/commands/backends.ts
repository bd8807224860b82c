import { defineCommand } from 'citty'
import { toBackendsResponse } from '../server/meta/to-response.ts'
import { backendLines } from './banner.ts'
import { setUp } from './setup.ts'

export default defineCommand({
  meta: {
    name: 'backends',
    description: 'List the agents: version, whether they are ready, how to get them.',
  },
  args: {
    config: { type: 'string', description: 'Configuration file (default ~/.clinvk/config.yaml).' },
    json: { type: 'boolean', description: 'Print what GET /api/v1/backends answers.' },
  },
  async run({ args }) {
    const { engine } = await setUp({ config: args.config })
    try {
      const backends = await engine.backends()
      console.log(args.json ? JSON.stringify(toBackendsResponse(backends), null, 2) : backendLines(backends))
    } finally {
      await engine.close()
    }
  },
})
