import { basename, relative, resolve, sep } from 'node:path'
import { isInside, realPlace, runsPrograms } from '../places.ts'

/**
 * Makes the check whether writing to a path stays in `workdir`, links resolved, and changes nothing that makes
 * programs run later: hooks, tasks, the agents' own settings with their MCP servers.
 */
export function ownFileCheck(workdir: string): (path: string) => Promise<boolean> {
  return async (path) => {
    const place = await realPlace(resolve(workdir, path))
    return (
      place !== undefined &&
      isInside(workdir, place) &&
      !runsPrograms(workdir, place) &&
      !isSetting(workdir, place)
    )
  }
}

const SETTING_FOLDERS: ReadonlySet<string> = new Set(['.gemini', '.opencode', '.qwen', '.cursor', '.kimi'])
const SETTING_FILES: ReadonlySet<string> = new Set(['opencode.json', 'opencode.jsonc', '.env'])

function isSetting(workdir: string, place: string): boolean {
  const names = relative(workdir, place).toLowerCase().split(sep)
  return names.some((name) => SETTING_FOLDERS.has(name)) || SETTING_FILES.has(basename(place).toLowerCase())
}
