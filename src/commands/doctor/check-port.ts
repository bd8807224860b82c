import { createSocket } from 'node:dgram'
import { readFile } from 'node:fs/promises'
import { isIPv6 } from 'node:net'
import type { Config } from '../../config/schema.ts'
import { callableHost } from '../address.ts'
import { askPort } from './ask-port.ts'
import type { Check } from './report.ts'

/** Whether the server could listen where it is to, or does already. */
export async function checkPort({ host, port }: Config['server'], version: string): Promise<Check> {
  const where = `${host}:${port}`
  const facts = { host, port }
  const elsewhere = 'Choose another with --port, CLINVK_PORT or server.port.'
  if (port === 0)
    return {
      part: 'port',
      status: 'info',
      message: 'The server takes any free port (server.port is 0).',
      facts,
    }
  if (!(await isOwnAddress(host)))
    return {
      part: 'port',
      status: 'fail',
      message: `${host} is no address of this machine.`,
      todo: 'Mend --host, CLINVK_HOST or server.host.',
      facts,
    }
  const found = await askPort(callableHost(host), port)
  switch (found.kind) {
    case 'nobody':
      return (await isReserved(port))
        ? {
            part: 'port',
            status: 'fail',
            message: `Port ${port} is free, and this user may not listen on it.`,
            todo: 'Choose one above 1023 with --port, CLINVK_PORT or server.port.',
            facts: { ...facts, free: false },
          }
        : { part: 'port', status: 'ok', message: `${where} is free.`, facts: { ...facts, free: true } }
    case 'clinvk': {
      const since = found.uptimeS === undefined ? '' : `, for ${duration(found.uptimeS)}`
      const other = found.version === version ? '' : `; this one is ${version}`
      return {
        part: 'port',
        status: 'ok',
        message: `clinvk ${found.version} runs on ${where}${since}${other}.`,
        facts: { ...facts, free: false, clinvk_version: found.version },
      }
    }
    case 'stopping':
      return {
        part: 'port',
        status: 'info',
        message: `A clinvk on ${where} is just stopping.`,
        facts: { ...facts, free: false },
      }
    default: {
      const how = found.kind === 'silent' ? ', which does not answer' : ''
      return {
        part: 'port',
        status: 'fail',
        message: `Port ${port} on ${host} is used by another program${how}.`,
        todo: `Stop it, or: ${elsewhere}`,
        facts: { ...facts, free: false },
      }
    }
  }
}

/** Asked by a socket of UDP, which nobody can connect to and which takes no port from anybody. */
async function isOwnAddress(host: string): Promise<boolean> {
  const socket = createSocket(isIPv6(callableHost(host)) ? 'udp6' : 'udp4')
  const bound = Promise.withResolvers<boolean>()
  socket.once('error', () => bound.resolve(false))
  socket.bind({ port: 0, address: callableHost(host) }, () => bound.resolve(true))
  try {
    return await bound.promise
  } finally {
    try {
      socket.close()
    } catch {
      // It was never opened.
    }
  }
}

/** Whether only root may listen there. */
async function isReserved(port: number): Promise<boolean> {
  if (process.platform === 'win32' || process.getuid?.() === 0) return false
  if (process.platform === 'darwin') return false
  const text = await readFile('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8').catch(() => '1024')
  return port < Number(text.trim())
}

function duration(seconds: number): string {
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} days`
}
