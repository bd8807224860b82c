import { join } from 'node:path'
import type { Target } from './targets.ts'

const ROOT = join(import.meta.dir, '..')

/** How both the executable and the bundle are made of the source. */
const BUNDLE = [
  '--minify',
  // What a command does not need stays unread: `--version` takes a fifth of the time.
  '--splitting',
]

const COMPILE = [
  '--compile',
  '--bytecode',
  // Bytecode of a program that waits at its top level.
  '--format=esm',
  // It is started in anybody's folder, where it must run no `preload` of a bunfig.toml and read no .env.
  '--no-compile-autoload-dotenv',
  '--no-compile-autoload-bunfig',
]

/**
 * Makes an executable with everything in it. Bun fetches its runtime for another platform with the registry of npm
 * (`@oven/bun-*`) and keeps it in its cache.
 *
 * @throws Error with what Bun said, where it fails.
 */
export async function compile(target: Target, outfile: string): Promise<void> {
  await runBun(['build', ...COMPILE, ...BUNDLE, `--target=${target.bun}`, MAIN, `--outfile=${outfile}`])
}

/** Makes a folder with `main.js` and its parts, for a Bun that is there already. @throws as {@link compile}. */
export async function bundle(outdir: string): Promise<void> {
  await runBun(['build', ...BUNDLE, '--target=bun', MAIN, `--outdir=${outdir}`])
}

const MAIN = join('src', 'main.ts')

/** @throws Error with its output where it fails. */
export async function runBun(words: readonly string[], cwd = ROOT): Promise<string> {
  const child = Bun.spawn({
    cmd: [process.execPath, ...words],
    cwd,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  if (code !== 0) throw new Error(`bun ${words.join(' ')}\nended with code ${code}:\n${stdout}${stderr}`)
  return stdout
}
