import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Static, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import type { EarlierSession, SessionStore } from './types.ts'

/** A session as release 0.2 kept it, a file each. What it does not need to have may be missing. */
const EarlierFile = Type.Object({
  id: Type.String({ pattern: '^[\\w-]{1,100}$' }),
  backend: Type.String({ minLength: 1 }),
  working_dir: Type.String(),
  created_at: Type.String(),
  last_used: Type.String(),
  backend_session_id: Type.Optional(Type.String()),
  model: Type.Optional(Type.String()),
  initial_prompt: Type.Optional(Type.String()),
  status: Type.Optional(Type.String()),
  turn_count: Type.Optional(Type.Integer({ minimum: 0 })),
  token_usage: Type.Optional(
    Type.Union([Type.Null(), Type.Record(Type.String(), Type.Integer({ minimum: 0 }))]),
  ),
  tags: Type.Optional(Type.Union([Type.Null(), Type.Array(Type.String())])),
  title: Type.Optional(Type.String()),
  parent_id: Type.Optional(Type.String()),
  metadata: Type.Optional(Type.Union([Type.Null(), Type.Record(Type.String(), Type.Unknown())])),
})
type EarlierFile = Static<typeof EarlierFile>

/**
 * Takes the sessions of the earlier program over, each file once: one that was deleted since does not come back. The
 * files stay as they are.
 *
 * @param oldest epoch ms; what was last used before is left alone.
 * @returns the files that are no sessions, with what is wrong with them.
 * @throws `store_failed`
 */
export function importEarlier(store: SessionStore, folder: string, oldest: number): string[] {
  const wrong: string[] = []
  const found: EarlierSession[] = []
  for (const name of filesIn(folder)) {
    try {
      const file: unknown = JSON.parse(readFileSync(join(folder, name), 'utf8'))
      if (!Value.Check(EarlierFile, file)) throw new Error(`it has no fitting ${whatIsMissing(file)}`)
      const session = toSession(file)
      if (session.lastUsedAt >= oldest) found.push(session)
    } catch (error) {
      wrong.push(`${name}: ${error instanceof Error ? error.message : 'it cannot be read'}`)
    }
  }
  if (found.length > 0) store.importEarlier(found)
  return wrong
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.json') && name !== 'index.json')
  } catch {
    return []
  }
}

function whatIsMissing(file: unknown): string {
  const first = Value.Errors(EarlierFile, file).First()
  return first?.path.slice(1) || 'object in it'
}

function toSession(file: EarlierFile): EarlierSession {
  const { id, backend, working_dir: workdir, token_usage: usage } = file
  const count = (name: string) => usage?.[name] ?? 0
  const model = some(file.model)
  return {
    id,
    backend,
    workdir,
    tags: file.tags ?? [],
    metadata: file.metadata ?? {},
    options: model === undefined ? {} : { model },
    createdAt: timeOf(file.created_at, 'created_at'),
    lastUsedAt: timeOf(file.last_used, 'last_used'),
    status: file.status === 'error' ? 'failed' : 'completed',
    turnCount: file.turn_count ?? 0,
    usage: {
      inputTokens: count('input_tokens'),
      outputTokens: count('output_tokens'),
      cachedTokens: count('cached_tokens'),
      reasoningTokens: count('reasoning_tokens'),
    },
    ...optional('model', model),
    ...optional('agentSessionId', some(file.backend_session_id)),
    ...optional('title', some(file.title)),
    ...optional('parent', some(file.parent_id)),
    ...optional('initialPrompt', some(file.initial_prompt)),
  }
}

function some(text: string | undefined): string | undefined {
  return text === '' ? undefined : text
}

function optional<K extends string>(key: K, value: string | undefined): Partial<Record<K, string>> {
  return value === undefined ? {} : ({ [key]: value } as Record<K, string>)
}

function timeOf(text: string, field: string): number {
  const time = Date.parse(text)
  if (Number.isNaN(time)) throw new Error(`it has no fitting ${field}`)
  return time
}
