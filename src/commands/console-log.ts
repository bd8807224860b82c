import type { Log } from '../server/log.ts'

/** The server's log on stderr, a line an entry. */
export const consoleLog: Log = (level, message, fields) => {
  const more = fields === undefined ? '' : ` ${JSON.stringify(fields, tellErrors)}`
  console.error(`${new Date().toISOString()} ${level} ${message}${more}`)
}

/** An error's own members are no JSON: without this the log would say `{}`. */
function tellErrors(_key: string, value: unknown): unknown {
  return value instanceof Error ? { name: value.name, message: value.message, stack: value.stack } : value
}
