// The container's health: whether the server answers, where it was told to listen. A container that was started for
// anything else, such as a login, is healthy.
import { readFileSync } from 'node:fs'

const words = readFileSync('/proc/1/cmdline', 'utf8').split('\0')
const start = words.indexOf('serve')
if (start < 0) process.exit(0)

const response = await fetch(`http://127.0.0.1:${port(words.slice(start))}/health`)
process.exit(response.ok ? 0 : 1)

function port(args) {
  for (const [index, word] of args.entries()) {
    if (word === '--port' || word === '-p') return args[index + 1]
    const [, joined] = /^(?:--port=|-p)(\d+)$/.exec(word) ?? []
    if (joined) return joined
  }
  return process.env.CLINVK_PORT || 8080
}
