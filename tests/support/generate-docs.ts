import { join } from 'node:path'
import { generatedPages } from './docs/pages.ts'

for (const { path, text } of await generatedPages())
  await Bun.write(join(import.meta.dir, '../..', path), text)
