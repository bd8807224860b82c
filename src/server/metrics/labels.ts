import { ERROR_TABLE } from '../../errors.ts'

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
const STATUSES: ReadonlySet<number> = new Set([
  200,
  201,
  202,
  204,
  304,
  ...Object.values(ERROR_TABLE).map(({ status }) => status),
])

/** What stands for a request's method: anyone can send any word. */
export function methodLabel(method: string): string {
  return METHODS.has(method) ? method : 'other'
}

/** What stands for a status: itself where it is one of ours; what a model provider came up with, by its class. */
export function statusLabel(status: number): string {
  return STATUSES.has(status) ? String(status) : `${Math.floor(status / 100)}xx`
}
