import { BlockList, isIP } from 'node:net'
import { ClinvkError } from '../errors.ts'

/** Whether an address is one of the operator's proxies. */
export type TrustCheck = (address: string) => boolean

/**
 * Reads `server.trusted_proxies`: addresses and networks such as `10.0.0.0/8`.
 *
 * @throws `config_invalid` for an entry that is neither.
 */
export function createTrustCheck(entries: readonly string[]): TrustCheck {
  const list = new BlockList()
  for (const entry of entries) {
    const [address = '', prefix] = entry.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    const bits = prefix === undefined ? (family === 'ipv6' ? 128 : 32) : Number(prefix)
    if (isIP(address) === 0 || prefix === '' || !Number.isInteger(bits)) throw notTrustable(entry)
    try {
      list.addSubnet(address, bits, family)
    } catch {
      throw notTrustable(entry)
    }
  }
  return (address) => {
    const family = isIP(address)
    return family !== 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4')
  }
}

/**
 * The address a request comes from. What a header says counts only where a trusted proxy sent it, and of
 * `X-Forwarded-For` only what trusted proxies added: everything to the left of it the client may have made up.
 */
export function clientAddress(remote: string, headers: Headers, isTrusted: TrustCheck): string {
  let address = bare(remote)
  if (!isTrusted(address)) return address
  const forwarded = headers.get('x-forwarded-for')
  if (forwarded === null) {
    const real = bare(headers.get('x-real-ip') ?? '')
    return isIP(real) === 0 ? address : real
  }
  for (const hop of forwarded.split(',').reverse()) {
    const next = bare(hop)
    if (isIP(next) === 0) return address
    address = next
    if (!isTrusted(address)) return address
  }
  return address
}

/** Without port, brackets and the IPv6 clothes of an IPv4 address. */
function bare(text: string): string {
  const address = text.trim().replace(/^\[(.*)\](:\d+)?$/, '$1')
  return address.replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1').replace(/^::ffff:(\d+\.\d+\.\d+\.\d+)$/i, '$1')
}

function notTrustable(entry: string): ClinvkError {
  const name = JSON.stringify(entry)
  return new ClinvkError(
    'config_invalid',
    `server.trusted_proxies: ${name} is no address and no network such as 10.0.0.0/8.`,
  )
}
