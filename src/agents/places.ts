import { lstat, realpath } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, relative, sep } from 'node:path'

/**
 * The path of what a tool would touch, without any symbolic link: that of the nearest ancestor that exists, and
 * the rest. `undefined` for a path that is not absolute: only the agent knows what it is relative to.
 */
export async function realPlace(path: string): Promise<string | undefined> {
  if (!isAbsolute(path)) return undefined
  try {
    return await realpath(path)
  } catch (error) {
    // A dangling link would lead a write to a place that we can't name.
    if (!isMissing(error) || (await isLink(path))) return undefined
    const parent = dirname(path)
    if (parent === path) return undefined
    const place = await realPlace(parent)
    return place === undefined ? undefined : join(place, basename(path))
  }
}

/** Whether `place` is `folder` or in it. Both are real paths. */
export function isInside(folder: string, place: string): boolean {
  const way = relative(folder, place)
  return way === '' || !(way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way))
}

/**
 * Whether a file is one that makes programs run: hooks of git and of the agent, tasks of editors, MCP servers.
 * Who may write these may leave the sandbox, and Claude Code itself asks before it edits them.
 */
export function runsPrograms(folder: string, place: string): boolean {
  const names = relative(folder, place).toLowerCase().split(sep)
  return names.some((name) => PROGRAM_FOLDERS.has(name)) || names.at(-1) === '.mcp.json'
}

const PROGRAM_FOLDERS: ReadonlySet<string> = new Set(['.git', '.claude', '.husky', '.vscode', '.idea'])

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | null)?.code === 'ENOENT'
}

async function isLink(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined)
  return found?.isSymbolicLink() ?? false
}
