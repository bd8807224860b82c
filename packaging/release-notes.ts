/** `bun packaging/release-notes.ts VERSION`: prints what CHANGELOG.md says of a version, for the page of its release. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

const version = process.argv[2] ?? ''
const text = await readFile(join(import.meta.dir, '../CHANGELOG.md'), 'utf8')
const section = text.split(/^## /m).find((part) => part.startsWith(`${version}\n`))
if (version === '' || section === undefined) {
  console.error(`CHANGELOG.md has no section "## ${version}".`)
  process.exit(1)
}
// Links lead into the project, which the page of a release is no part of.
const address = `https://github.com/signalridge/clinvk/blob/v${version}/`
console.log(
  section
    .slice(version.length)
    .trim()
    .replaceAll(/\]\((?![a-z]+:)/g, `](${address}`),
)
