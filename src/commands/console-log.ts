import type { Log } from '../server/log.ts'

/** The server's log on stderr, a line an entry. */
export const consoleLog: Log = (level, message, fields) => {
  const more = fields === undefined ? '' : ` ${JSON.stringify(fields)}`
  console.error(`${new Date().toISOString()} ${level} ${message}${more}`)
}
