/** What docs/first-steps.md shows of the doctor is what it says to somebody with these agents. */
import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { agentBin } from '../agents/install.ts'
import { createDesk } from '../commands/cli.ts'
import { blocksOf } from './markdown.ts'

test('the doctor says what the page says', async () => {
  const page = await blocksOf('docs/first-steps.md')
  const command = page.findIndex(({ text }) => text === 'clinvk doctor')
  const shown = page[command + 1]?.text ?? ''
  const version = (backend: string) => RegExp(`${backend} +([\\d.]+),`).exec(shown)?.[1]
  const bin = await agentBin()
  const desk = await createDesk()
  try {
    const answers = `--version) echo '${version('claude')} (Claude Code)' ;; auth) echo '{"loggedIn": true}' ;;`
    await desk.program('claude', `case "$1" in ${answers} esac`)
    // The real one, since it alone knows how it says that nobody is logged in.
    await desk.program('codex', `PATH='${bin}:${process.env['PATH']}' exec '${join(bin, 'codex')}' "$@"`)
    const { stdout } = await desk.run(['doctor'])
    const said = stdout.replaceAll(desk.bin, '/usr/local/bin').replaceAll(desk.home, '/home/me')
    expect(anywhere(said)).toBe(anywhere(shown))
  } finally {
    await desk.remove()
  }
}, 120_000)

/** Without what another machine or moment changes: its platform, its disk and who has its port. */
function anywhere(text: string): string {
  return text
    .trim()
    .replace(/on Bun .*/, 'on Bun …')
    .replace(/[\d.]+ GB/, '… GB')
    .replace(/^(?:ok|fail|info) +port .*(\n +->.*)?/m, 'port')
    .replace(/\n\n.*$/s, '')
}
