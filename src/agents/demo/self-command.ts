import { devNull } from 'node:os'
import { join } from 'node:path'

/** The command that starts clinvk itself with these arguments: from source by the Bun that runs it, or compiled. */
export function selfCommand(args: readonly string[]): readonly string[] {
  return toSelfCommand({ entry: Bun.main, executable: process.execPath }, args)
}

/** The pure part of {@link selfCommand}. `entry` is the file that Bun was started with. */
export function toSelfCommand(
  { entry, executable }: { entry: string; executable: string },
  args: readonly string[],
): readonly string[] {
  if (COMPILED_ENTRY.test(entry)) return [executable, ...args]
  return [executable, ...IGNORE_FOLDER, SOURCE_ENTRY, ...args]
}

// Where a compiled executable finds its embedded files: /$bunfs/ on Unix, B:\~BUN\ (also with /) on Windows.
const COMPILED_ENTRY = /^(?:\/\$bunfs\/|[A-Z]:[\\/]~BUN[\\/])/i
const SOURCE_ENTRY = join(import.meta.dir, '..', '..', 'main.ts')
// The process may be started in anybody's folder: Bun must run no `preload` of a bunfig.toml there and read no .env.
const IGNORE_FOLDER = ['--no-env-file', `--config=${devNull}`]
