import { devNull } from 'node:os'
import { join } from 'node:path'

/** The command that starts clinvk itself with these arguments: compiled, or by the Bun that runs its source or bundle. */
export function selfCommand(args: readonly string[]): readonly string[] {
  return toSelfCommand({ entry: Bun.main, executable: process.execPath, file: import.meta.path }, args)
}

/** The pure part of {@link selfCommand}. `entry` is the file that Bun was started with, `file` the one that we are in. */
export function toSelfCommand(
  { entry, executable, file }: { entry: string; executable: string; file: string },
  args: readonly string[],
): readonly string[] {
  if (COMPILED_ENTRY.test(entry)) return [executable, ...args]
  // From source Bun may run something else that uses us, such as a test. A bundle is only ever run itself.
  const main = file.endsWith('self-command.ts') ? join(file, '..', '..', '..', 'main.ts') : entry
  return [executable, ...IGNORE_FOLDER, main, ...args]
}

// Where a compiled executable finds its embedded files: /$bunfs/ on Unix, B:\~BUN\ (also with /) on Windows.
const COMPILED_ENTRY = /^(?:\/\$bunfs\/|[A-Z]:[\\/]~BUN[\\/])/i
// The process may be started in anybody's folder: Bun must run no `preload` of a bunfig.toml there, read no .env and follow
// no `paths` of a tsconfig.json.
const IGNORE_FOLDER = ['--no-env-file', `--config=${devNull}`, `--tsconfig-override=${devNull}`]
