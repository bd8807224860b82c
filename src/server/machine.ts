import { hostname, networkInterfaces } from 'node:os'

/** Whether a name or address (lower case, no port, no brackets) is one of this machine's, at this moment. */
export function isOwnName(name: string): boolean {
  const own = hostname().toLowerCase()
  if (name === own || name === `${own}.local` || name === own.split('.')[0]) return true
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => address.toLowerCase() === name),
  )
}
