import { isIP } from 'node:net'
import { Type } from '@sinclair/typebox'
import { FOLDER, flag, optionalText, seconds, section, texts, whole } from './kinds.ts'

/** The longest `idle_timeout_secs` that the runtime knows. */
export const MAX_IDLE_TIMEOUT_SECS = 255

/** `server`. */
export const ServerSchema = section('The HTTP server.', {
  host: Type.String({ description: 'Address to listen on.', minLength: 1, default: '127.0.0.1' }),
  port: whole(8080, {
    description: 'Port to listen on. 0: any free one.',
    minimum: 0,
    maximum: 65_535,
  }),
  request_timeout_secs: seconds(
    'How long an agent may be silent, with no tool running, before the turn fails. 0: no limit.',
    300,
  ),
  read_timeout_secs: seconds('How long a client may take to send its request. 0: no limit.', 30),
  write_timeout_secs: seconds(
    'How long a client may read nothing of an answer that waits for it. 0: no limit.',
    300,
  ),
  idle_timeout_secs: whole(120, {
    description:
      'How long a connection without a request stays open. 0: no limit. The runtime knows 255 at most; more counts as 255.',
    unit: 'seconds',
    minimum: 0,
  }),
  drain_secs: seconds(
    'How long prompts under way may go on once the server is asked to stop. 0: they are stopped at once.',
    30,
  ),
  heartbeat_secs: seconds('Longest silence on a stream before a sign of life is sent. 0: none is sent.', 15),
  default_workdir: optionalText(
    'Working directory for requests that name none. Not set: the folder that the server was started in.',
    FOLDER,
  ),
  allowed_workdir_prefixes: texts(
    'Folders that working directories must lie in. Empty: any folder that is not blocked.',
    FOLDER,
  ),
  blocked_workdir_prefixes: texts('Folders that working directories may not lie in.', FOLDER),
  api_keys_gopass_path: optionalText(
    'Secret of the gopass store that holds the API keys; read once at the start. CLINVK_API_KEYS wins over it.',
    {
      emptyIsUnset: true,
      pattern: '^[^-\\x00-\\x1f][^\\x00-\\x1f]*$',
      expects: 'the path of a secret, which cannot start with a hyphen',
    },
  ),
  allowed_hosts: texts(
    'Names that clients may call the server by, besides the names and addresses of this machine.',
    {
      accepts: isHostName,
      expects: 'a host name or address, without scheme and port',
    },
  ),
  cors_allowed_origins: texts(
    'Web pages that may call the server, such as https://app.example.com. "*": all. Empty: none but its own.',
    {
      accepts: isOrigin,
      expects: 'an origin such as https://app.example.com, with no path behind it, or "*"',
    },
  ),
  cors_allow_credentials: flag('Whether those pages may send cookies and login headers.', false),
  cors_max_age: seconds('How long a browser may remember what is allowed. 0: not at all.', 300),
  trusted_proxies: texts(
    'Addresses or networks of proxies whose X-Forwarded-For and X-Real-IP are believed. Empty: none.',
    { accepts: isNetwork, expects: 'an address such as 10.0.0.1 or a network such as 10.0.0.0/8' },
  ),
  rate_limit_enabled: flag('Whether the number of requests from one address is limited.', false),
  rate_limit_rps: Type.Number({
    description: 'Requests per second that one address may make in the long run.',
    unit: 'requests per second',
    exclusiveMinimum: 0,
    default: 10,
  }),
  rate_limit_burst: whole(20, {
    description: 'Requests that one address may make at once.',
    minimum: 1,
  }),
  rate_limit_cleanup_secs: seconds('How long an address is remembered after its last request. 0: 180.', 180),
  max_request_body_bytes: whole(10_485_760, {
    description: 'Largest request body. 0: no limit.',
    unit: 'bytes',
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
  }),
  metrics_enabled: flag('Whether /metrics answers.', false),
})

/** What a browser sends as `Origin`: scheme, host in lower case, port unless it is the scheme's own. */
function isOrigin(text: string): boolean {
  if (text === '*') return true
  if (!/^https?:/.test(text)) return /^[a-z][a-z0-9+.-]*:\/\/[^/?#\s]+$/.test(text)
  return URL.canParse(text) && new URL(text).origin === text
}

function isHostName(text: string): boolean {
  return /^[A-Za-z0-9_.-]+$/.test(text) || isIP(text.replace(/^\[(.*)\]$/, '$1')) !== 0
}

function isNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/')
  const version = isIP(address)
  if (version === 0 || rest.length > 0) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128))
}
