import { describe, expect, test } from 'bun:test'
import { failure, load, problemsOf } from './support.ts'

const KNOWN =
  'clinvk knows claude, codex, gemini, opencode, demo by itself; any other backend needs a driver' +
  ' (claude, codex, acp, exec) and a command.'
const SECTIONS =
  'default_backend, unified_flags, backends, session, output, server, chat, parallel, pool, conversations'
const ORIGIN = 'expected an origin such as https://app.example.com, with no path behind it, or "*"'
const NETWORK = 'expected an address such as 10.0.0.1 or a network such as 10.0.0.0/8'
const COMMAND = 'expected a list with the program and its arguments, such as ["ollama", "run", "llama3"]'
const DAYS = 'expected a whole number of days from 0 to 36500'

/** A file and all the problems that loading it names. */
const FILES: Record<string, [yaml: string, ...problems: string[]][]> = {
  'broken syntax': [
    ['server:\n\tport: 1\n', 'FILE:2:1: a tab is no indentation in YAML: use spaces'],
    [
      'server:\n  port: 8080\n host: x\n',
      'FILE:3:1: not valid YAML: All mapping items must start at the same column',
    ],
    [
      'output: {}\n---\nserver: {}\n',
      'FILE:2:1: a second document begins here: the file must be one, without a line of ---',
    ],
    ['server: !x {}\n', 'FILE:1:9: a YAML tag (!…) means nothing here: leave it out'],
    ['server: *x\n', 'FILE:1:9: no anchor &x before this alias'],
    ['server: &x\n  <<: *x\n', 'FILE:2:7: the alias *x contains itself'],
    ['backends: &x\n  claude: *x\n', 'FILE:2:11: the alias *x contains itself'],
  ],
  'the wrong shape': [
    ['- a\n', 'FILE:1:1: found a list, expected keys and values such as "default_backend: claude"'],
    ['# hi\nhello\n', 'FILE:2:1: found "hello", expected keys and values such as "default_backend: claude"'],
    ['server: 3\n', 'FILE:1:9: server: found 3, expected a mapping of keys to values'],
    ['server: [1]\n', 'FILE:1:9: server: found a list, expected a mapping of keys to values'],
    [
      'server:\n  allowed_hosts: example.com\n  port: {a: 1}\n',
      'FILE:2:18: server.allowed_hosts: found "example.com", expected a list',
      'FILE:3:9: server.port: found a mapping, expected a whole number from 0 to 65535',
    ],
    [
      'backends: { claude: yes }\n',
      'FILE:1:21: backends.claude: found "yes", expected a mapping of keys to values',
    ],
  ],
  'unknown keys': [
    ['server:\n  prot: 1\n', 'FILE:2:3: server.prot: unknown key: did you mean server.port?'],
    ['port: 1\n', 'FILE:1:1: port: unknown key: did you mean server.port?'],
    [
      'output:\n  max_workers: 1\n',
      'FILE:2:3: output.max_workers: unknown key: did you mean parallel.max_workers?',
    ],
    ['sever: {}\n', 'FILE:1:1: sever: unknown key: did you mean server?'],
    ['zzzzzz: 1\n', `FILE:1:1: zzzzzz: unknown key, expected one of ${SECTIONS}`],
    ['__proto__: {a: 1}\n', `FILE:1:1: __proto__: unknown key, expected one of ${SECTIONS}`],
    ['constructor: 1\n', `FILE:1:1: constructor: unknown key, expected one of ${SECTIONS}`],
    [
      'server:\n  requestTimeoutSecs: 3\n  read-timeout-secs: 3\n',
      'FILE:2:3: server.requestTimeoutSecs: unknown key: did you mean server.request_timeout_secs?',
      'FILE:3:3: server.read-timeout-secs: unknown key: did you mean server.read_timeout_secs?',
    ],
    [
      'backends:\n  claude:\n    modle: x\n',
      'FILE:3:5: backends.claude.modle: unknown key: did you mean backends.claude.model?',
    ],
    [
      'server: { api_keys: [a] }\n',
      'FILE:1:11: server.api_keys: unknown key: keys are not kept in this file; use CLINVK_API_KEYS or server.api_keys_gopass_path',
    ],
    [
      'unified_flags: { output_format: json }\n',
      'FILE:1:18: unified_flags.output_format: unknown key: the format of the answer is output.format',
    ],
  ],
  'keys that are there twice': [
    [
      'output: {}\nserver:\n  port: 1\n  port: 2\noutput: {}\n',
      'FILE:4:3: server.port: the key is there twice (first in line 3)',
      'FILE:5:1: output: the key is there twice (first in line 1)',
    ],
  ],
  'values that are not converted': [
    [
      'server:\n  port: "8080"\n',
      'FILE:2:9: server.port: found "8080", expected a whole number from 0 to 65535: remove the quotes',
    ],
    [
      'output: { color: "true", show_tokens: yes, show_timing: off }\n',
      'FILE:1:18: output.color: found "true", expected true or false: remove the quotes',
      'FILE:1:39: output.show_tokens: found "yes", expected true or false: write true',
      'FILE:1:57: output.show_timing: found "off", expected true or false: write false',
    ],
    ['output: { color: 1 }\n', 'FILE:1:18: output.color: found 1, expected true or false'],
    [
      'backends: { claude: { model: 4 } }\n',
      'FILE:1:30: backends.claude.model: found 4, expected text that is not empty: put it in quotes',
    ],
    [
      'backends: { claude: { env: { TOKEN: 12345 } } }\n',
      'FILE:1:37: backends.claude.env.TOKEN: found a number, expected text: put it in quotes',
    ],
    [
      'session: { default_tags: [a, 3, "", null] }\n',
      'FILE:1:30: session.default_tags[1]: found 3, expected text that is not empty: put it in quotes',
      'FILE:1:33: session.default_tags[2]: found "", expected text that is not empty',
      'FILE:1:37: session.default_tags[3]: found nothing, expected text that is not empty',
    ],
  ],
  'numbers and their units': [
    [
      'server: { port: 70000 }\n',
      'FILE:1:17: server.port: found 70000, expected a whole number from 0 to 65535',
    ],
    ['server: { port: -1 }\n', 'FILE:1:17: server.port: found -1, expected a whole number from 0 to 65535'],
    [
      'server: { port: 80.5 }\n',
      'FILE:1:17: server.port: found 80.5, expected a whole number from 0 to 65535',
    ],
    [
      'server: { port: .inf }\n',
      'FILE:1:17: server.port: found Infinity, expected a whole number from 0 to 65535',
    ],
    [
      'session:\n  retention_days: 12h\n',
      `FILE:2:19: session.retention_days: found "12h", ${DAYS}: the unit is always days, so write the number alone`,
    ],
    [
      'session: { retention_days: "30" }\n',
      `FILE:1:28: session.retention_days: found "30", ${DAYS}: remove the quotes`,
    ],
    ['session: { retention_days: -1 }\n', `FILE:1:28: session.retention_days: found -1, ${DAYS}`],
    ['session: { retention_days: 1.5 }\n', `FILE:1:28: session.retention_days: found 1.5, ${DAYS}`],
    ['session: { retention_days: forever }\n', `FILE:1:28: session.retention_days: found "forever", ${DAYS}`],
    [
      'server: { request_timeout_secs: 5m }\n',
      'FILE:1:33: server.request_timeout_secs: found "5m", expected a number of seconds from 0 to 2147483: the unit is always seconds, so write the number alone',
    ],
    [
      'unified_flags: { command_timeout_secs: 2147484 }\n',
      'FILE:1:40: unified_flags.command_timeout_secs: found 2147484, expected a number of seconds from 0 to 2147483',
    ],
    [
      'server: { rate_limit_rps: 0, rate_limit_burst: 0, max_request_body_bytes: 10MB }\n',
      'FILE:1:27: server.rate_limit_rps: found 0, expected a number of requests per second above 0',
      'FILE:1:48: server.rate_limit_burst: found 0, expected a whole number, 1 or more',
      'FILE:1:75: server.max_request_body_bytes: found "10MB", expected a whole number of bytes from 0 to 9007199254740991: the unit is always bytes, so write the number alone',
    ],
    [
      'parallel: { max_workers: 0 }\nconversations: { max_live: -1, keep_alive_secs: -1 }\n',
      'FILE:1:26: parallel.max_workers: found 0, expected a whole number, 1 or more',
      'FILE:2:28: conversations.max_live: found -1, expected a whole number, 0 or more',
      'FILE:2:49: conversations.keep_alive_secs: found -1, expected a number of seconds from 0 to 2147483',
    ],
  ],
  'words, addresses and folders': [
    [
      'unified_flags: { approval_mode: atuo, sandbox_mode: everything }\n',
      'FILE:1:33: unified_flags.approval_mode: found "atuo", expected one of default, auto, none, always: did you mean auto?',
      'FILE:1:53: unified_flags.sandbox_mode: found "everything", expected one of default, read-only, workspace, full',
    ],
    [
      'output: { format: stream_json }\n',
      'FILE:1:19: output.format: found "stream_json", expected one of text, json, stream-json: did you mean stream-json?',
    ],
    ['server: { host: "" }\n', 'FILE:1:17: server.host: found "", expected text that is not empty'],
    [
      'server: { cors_allowed_origins: [https://a.example/, "null", a.example, HTTP://a.example, app://ok, "*"] }\n',
      `FILE:1:34: server.cors_allowed_origins[0]: found "https://a.example/", ${ORIGIN}`,
      `FILE:1:54: server.cors_allowed_origins[1]: found "null", ${ORIGIN}`,
      `FILE:1:62: server.cors_allowed_origins[2]: found "a.example", ${ORIGIN}`,
      `FILE:1:73: server.cors_allowed_origins[3]: found "HTTP://a.example", ${ORIGIN}`,
    ],
    [
      'server: { cors_allowed_origins: ["*"], cors_allow_credentials: true }\n',
      'FILE:1:64: server.cors_allow_credentials: cannot go with "*" in server.cors_allowed_origins: name the pages that may send credentials',
    ],
    [
      'server: { trusted_proxies: [10.0.0.0/33, ::1/129, proxy, 10.0.0.1/8/8, 10.0.0.1/x, ::1/128] }\n',
      `FILE:1:29: server.trusted_proxies[0]: found "10.0.0.0/33", ${NETWORK}`,
      `FILE:1:42: server.trusted_proxies[1]: found "::1/129", ${NETWORK}`,
      `FILE:1:51: server.trusted_proxies[2]: found "proxy", ${NETWORK}`,
      `FILE:1:58: server.trusted_proxies[3]: found "10.0.0.1/8/8", ${NETWORK}`,
      `FILE:1:72: server.trusted_proxies[4]: found "10.0.0.1/x", ${NETWORK}`,
    ],
    [
      'server: { allowed_hosts: [http://x, "x:1", a.example, "[::1]", "::1"] }\n',
      'FILE:1:27: server.allowed_hosts[0]: found "http://x", expected a host name or address, without scheme and port',
      'FILE:1:37: server.allowed_hosts[1]: found "x:1", expected a host name or address, without scheme and port',
    ],
    [
      'server: { default_workdir: work, allowed_workdir_prefixes: ["", ~ann/x] }\n',
      'FILE:1:28: server.default_workdir: found "work", expected an absolute path, or one that starts with ~/',
      'FILE:1:61: server.allowed_workdir_prefixes[0]: found "", expected an absolute path, or one that starts with ~/',
      'FILE:1:65: server.allowed_workdir_prefixes[1]: found "~ann/x", expected an absolute path, or one that starts with ~/',
    ],
    [
      'server: { api_keys_gopass_path: -x }\n',
      'FILE:1:33: server.api_keys_gopass_path: found "-x", expected the path of a secret, which cannot start with a hyphen',
    ],
  ],
  backends: [
    ['backends:\n  gemni:\n', `FILE:2:3: backends.gemni: ${KNOWN} Did you mean gemini?`],
    ['backends:\n  llama: { command: [x] }\n', `FILE:2:3: backends.llama: ${KNOWN}`],
    ['backends:\n  constructor: {}\n', `FILE:2:3: backends.constructor: ${KNOWN}`],
    [
      'backends:\n  llm: { driver: exec }\n',
      'FILE:2:18: backends.llm: with the driver exec it needs a command: the program to start and its arguments',
    ],
    [
      'backends:\n  claude: { driver: acp }\n',
      'FILE:2:21: backends.claude: with the driver acp it needs a command: the program to start and its arguments',
    ],
    [
      'backends:\n  claude-work: { driver: claude }\n',
      'FILE:2:26: backends.claude-work: with the driver claude it needs a command: the program to start and its arguments',
    ],
    [
      'backends:\n  llm: { driver: acpp }\n',
      'FILE:2:18: backends.llm.driver: found "acpp", expected one of claude, codex, acp, exec, demo: did you mean acp?',
    ],
    [
      'backends:\n  llm: { driver: acp, command: ollama run }\n',
      `FILE:2:32: backends.llm.command: found "ollama run", ${COMMAND}`,
    ],
    [
      'backends:\n  llm: { driver: acp, command: [] }\n',
      `FILE:2:32: backends.llm.command: found an empty list, ${COMMAND}`,
    ],
    [
      'backends:\n  My_LLM: { driver: exec, command: [x] }\n',
      'FILE:2:3: backends.My_LLM: expected a name of lower-case letters, digits and single hyphens',
    ],
    [
      'backends:\n  claude: { env: { "B C": x } }\n',
      'FILE:2:20: backends.claude.env.B C: expected the name of an environment variable',
    ],
    [
      'backends:\n  claude: { output: json }\n',
      'FILE:2:21: backends.claude: output is for the driver exec only, and the driver here is claude',
    ],
    [
      'backends:\n  demo: { command: [x] }\n',
      'FILE:2:20: backends.demo: the demo agent is part of clinvk and takes no command',
    ],
    [
      'backends: { claude: { allowed_tools: 3, model_aliases: { fast: "" } } }\n',
      'FILE:1:38: backends.claude.allowed_tools: found 3, expected a list of tools, names separated by commas, or all',
      'FILE:1:64: backends.claude.model_aliases.fast: found "", expected the name of a model',
    ],
    [
      'default_backend: claud\nbackends: { llm: { driver: exec, command: [x] } }\n',
      'FILE:1:18: default_backend: found "claud", expected one of claude, codex, gemini, opencode, demo, llm: did you mean claude?',
    ],
    [
      'default_backend: claude\nbackends: { claude: { enabled: false } }\n',
      'FILE:1:18: default_backend: claude cannot be the default, because backends.claude.enabled is false',
    ],
  ],
}

for (const [kind, cases] of Object.entries(FILES)) {
  describe(kind, () => {
    test.each(cases)('%j is refused', async (yaml, ...problems) => {
      expect(await problemsOf(yaml)).toEqual(problems)
    })
  })
}

describe('the environment and flags', () => {
  test.each([
    [{ CLINVK_PORT: '80a' }, 'CLINVK_PORT: found "80a", expected a whole number from 0 to 65535'],
    [{ CLINVK_PORT: '65536' }, 'CLINVK_PORT: found 65536, expected a whole number from 0 to 65535'],
    [
      { CLINVK_BACKEND: 'cluade' },
      'CLINVK_BACKEND: found "cluade", expected one of claude, codex, gemini, opencode, demo: did you mean claude?',
    ],
    [
      { CLINVK_API_KEYS_GOPASS_PATH: '--help' },
      'CLINVK_API_KEYS_GOPASS_PATH: found "--help", expected the path of a secret, which cannot start with a hyphen',
    ],
  ])('%j is refused by the name of the variable', async (env, problem) => {
    expect(await problemsOf('', { env })).toEqual([problem])
  })

  test.each([
    [{ port: '' }, '--port: found "", expected a whole number from 0 to 65535'],
    [{ port: '1e3' }, '--port: found "1e3", expected a whole number from 0 to 65535'],
    [{ port: -1 }, '--port: found -1, expected a whole number from 0 to 65535'],
    [{ host: '' }, '--host: found "", expected text that is not empty'],
    [{ backend: 'zzz' }, '--backend: found "zzz", expected one of claude, codex, gemini, opencode, demo'],
    [
      { outputFormat: 'jsno' },
      '--output-format: found "jsno", expected one of text, json, stream-json: did you mean json?',
    ],
  ])('%j is refused by the name of the flag', async (flags, problem) => {
    expect(await problemsOf('', { flags })).toEqual([problem])
  })
})

test('every problem of every source is named, the file first and in the order of its lines', async () => {
  const yaml =
    'default_backend: nobody\nserver:\n  prot: 1\nbackends:\n  llm: {}\nsession: { retention_days: x }\n'
  expect(await problemsOf(yaml, { env: { CLINVK_PORT: 'x' }, flags: { host: '' } })).toEqual([
    'FILE:1:18: default_backend: found "nobody", expected one of claude, codex, gemini, opencode, demo, llm',
    'FILE:3:3: server.prot: unknown key: did you mean server.port?',
    `FILE:5:3: backends.llm: ${KNOWN}`,
    `FILE:6:28: session.retention_days: found "x", ${DAYS}`,
    'CLINVK_PORT: found "x", expected a whole number from 0 to 65535',
    '--host: found "", expected text that is not empty',
  ])
})

test('the error counts its problems and carries them as data', async () => {
  const error = await failure(load('a: 1\nb: 2\n'))
  expect(error.code).toBe('config_invalid')
  expect(error.retryable).toBe(false)
  expect(error.message).toStartWith('The configuration has 2 problems:\n  ')
  expect(error.details['problems']).toMatchObject([
    { key: 'a', place: { line: 1, column: 1 } },
    { key: 'b', place: { line: 2, column: 1 } },
  ])
})

test('a long value is shown in part only', async () => {
  const [problem = ''] = await problemsOf(`output: { format: ${'x'.repeat(5000)} }\n`)
  expect(problem).toContain(`found "${'x'.repeat(60)}…", expected`)
})
