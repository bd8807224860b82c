import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** Where Gemini CLI keeps what is its own, by its environment. */
export function geminiFolder(env: Readonly<Record<string, string>>): string | undefined {
  const home = env['GEMINI_CLI_HOME'] || env['HOME'] || env['USERPROFILE']
  return home === undefined ? undefined : join(home, '.gemini')
}

/**
 * Waits while it would destroy a session to open it again: Gemini first begins a new history for it, in a file that
 * is named after the minute and the session, so within the minute in which it was made it overwrites its own (0.61.0).
 */
export async function untilReopenable(
  sessionId: string,
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  const folder = geminiFolder(env)
  if (folder === undefined) return
  while (!signal.aborted) {
    const now = new Date()
    if (!(await isHistory(join(folder, 'tmp'), historyName(sessionId, now)))) return
    await pause(60_000 - (now.getTime() % 60_000), signal)
  }
}

/** The name of the file in which a session that began at `time` has its history. */
export function historyName(sessionId: string, time: Date): string {
  return `session-${time.toISOString().slice(0, 16).replaceAll(':', '-')}-${sessionId.slice(0, 8)}.jsonl`
}

/** Removes the history of a session. What is not there is gone already. */
export async function removeHistory(sessionId: string, env: Readonly<Record<string, string>>): Promise<void> {
  const folder = geminiFolder(env)
  if (folder === undefined) return
  const projects = join(folder, 'tmp')
  for (const project of await readdir(projects).catch(() => [])) {
    const chats = join(projects, project, 'chats')
    const names = await readdir(chats).catch(() => [])
    const own = names.filter((name) => name.endsWith(`-${sessionId.slice(0, 8)}.jsonl`))
    for (const path of own.map((name) => join(chats, name))) {
      // The name has a part of the id only.
      const text = await readFile(path, 'utf8').catch(() => '')
      if (text.includes(sessionId)) await rm(path, { force: true }).catch(() => {})
    }
  }
}

async function isHistory(projects: string, name: string): Promise<boolean> {
  const names = await readdir(projects).catch(() => [])
  const found = await Promise.all(
    names.map((project) =>
      stat(join(projects, project, 'chats', name)).then(
        () => true,
        () => false,
      ),
    ),
  )
  return found.includes(true)
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done, { once: true })
    function done() {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
  })
}
