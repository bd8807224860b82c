import { readFile } from 'node:fs/promises'
import { arch, cpus, loadavg, release, totalmem, type } from 'node:os'
import { join } from 'node:path'
import { VERSION } from '../src/version.ts'
import { mebibytes, number } from './format.ts'

/** What the numbers depend on: names and values, and nothing that says whose machine it is. */
export type Machine = Readonly<Record<string, string>>

const AGENTS = join(import.meta.dir, '../tests/agents/package.json')

/** Describes this machine and what was measured on it. */
export async function describeMachine(): Promise<Machine> {
  const { dependencies } = JSON.parse(await readFile(AGENTS, 'utf8')) as {
    dependencies: Record<string, string>
  }
  const version = (name: string) => dependencies[name] ?? 'unknown'
  return {
    Cores: `${cpus().length}, ${cpus()[0]?.model.trim() ?? arch()}`,
    Memory: mebibytes(totalmem()),
    // Behind the number of a kernel may stand who built it.
    OS: `${await distribution()}${type()} ${/^[\d.]+/.exec(release())?.[0] ?? ''}, ${arch()}`,
    'Load when the run began': number(loadavg()[0] ?? 0),
    clinvk: VERSION,
    Bun: Bun.version,
    'Claude Code': version('@anthropic-ai/claude-code'),
    Codex: version('@openai/codex'),
    'Gemini CLI': version('@google/gemini-cli'),
  }
}

async function distribution(): Promise<string> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '')
  const name = /^PRETTY_NAME="?([^"\n]+)/m.exec(text)?.[1]
  return name === undefined ? '' : `${name}, `
}
