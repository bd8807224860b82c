import { onTestFinished } from 'bun:test'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConfigSources, type LoadedConfig, loadConfig } from '../../src/config/load.ts'
import { ClinvkError } from '../../src/errors.ts'

export const HOME = '/home/ann'

/** Loads `yaml` as the file that `--config` names. */
export async function load(yaml: string, sources: Partial<ConfigSources> = {}): Promise<LoadedConfig> {
  const file = await writeTemporary(yaml)
  return loadConfig({ env: {}, homeDir: HOME, ...sources, flags: { ...sources.flags, config: file } })
}

/** The problems that loading `yaml` is refused for, each a line, the file's path written as FILE. */
export async function problemsOf(yaml: string, sources: Partial<ConfigSources> = {}): Promise<string[]> {
  const error = await failure(load(yaml, sources))
  const [, ...lines] = error.message.split('\n')
  return lines.map((line) => line.trim().replace(/^\S*config\.yaml:/, 'FILE:'))
}

/** The `ClinvkError` that a promise must be rejected with. */
export async function failure(promise: Promise<unknown>): Promise<ClinvkError> {
  const outcome = await promise.catch((error: unknown) => error)
  if (outcome instanceof ClinvkError) return outcome
  throw new Error(`expected a ClinvkError, got ${Bun.inspect(outcome)}`)
}

/** Writes a `config.yaml` in a folder of its own, which lives as long as the test, and gives its path. */
export async function writeTemporary(content: string | Uint8Array): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'clinvk-config-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'config.yaml')
  await writeFile(file, content)
  return file
}
