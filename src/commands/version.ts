import { defineCommand } from 'citty'
import { VERSION } from '../version.ts'

export default defineCommand({
  meta: { name: 'version', description: 'Print the version.' },
  args: { json: { type: 'boolean', description: 'Print JSON.' } },
  run({ args }) {
    console.log(args.json ? JSON.stringify({ version: VERSION, bun: Bun.version }) : `clinvk ${VERSION}`)
  },
})
