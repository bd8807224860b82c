import { join } from 'node:path'
import { programFiles } from '../pool/program.ts'

/**
 * What a process reads when it starts and never again: the program, the user's settings, with the provider to use, and
 * the login. Not `~/.claude.json`, which every start rewrites.
 */
export function startupFiles(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
): readonly string[] {
  const folder = env['CLAUDE_CONFIG_DIR'] ?? join(env['HOME'] ?? '', '.claude')
  return [...programFiles(command, env), join(folder, 'settings.json'), join(folder, '.credentials.json')]
}
