/**
 * `bun run check:docker`: builds the image and uses it as docs/docker.md says, with Docker, or without one as
 * `engine.ts` tells. No container has a network: its agents talk to a mock provider beside them.
 */
import { join } from 'node:path'
import manifest from '../../package.json' with { type: 'json' }
import { providerVariables } from '../agents/env.ts'
import agents from '../agents/package.json' with { type: 'json' }
import { createChecks, holds, same } from '../support/checks.ts'
import type { Outcome } from '../support/execute.ts'
import { checkCompose } from './check-compose.ts'
import { type ContainerEngine, findEngine } from './engine.ts'

const ROOT = join(import.meta.dir, '../..')
const IMAGE = 'localhost/clinvk:check'
const KEY = 'check-key'
const PROVIDER_PORT = 4010
/** As compose.yaml runs it. */
const CLOSED = ['--read-only', '--tmpfs', '/tmp', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges']
const TESTS = ['--volume', `${join(ROOT, 'tests')}:/tests:ro`]
const HOME_VOLUME = ['--volume', 'clinvk-check-home:/home/clinvk']

const { check, end } = createChecks()
const notes: string[] = []
const started = performance.now()
const engine = await findEngine(ROOT)
if ('reason' in engine) console.log(`skipped: ${engine.reason}`)
else {
  const seconds = () => `${Math.round((performance.now() - started) / 1000)} s`
  try {
    console.log(`== ${engine.name} is ready after ${seconds()}`)
    if (await check('the image builds', () => engine.build(IMAGE, ROOT))) {
      console.log(`== built after ${seconds()}`)
      await checkImage(engine)
      await checkOpen(engine)
      await checkClosed(engine)
      const composer = await engine.composer()
      if ('reason' in composer) notes.push(`compose.yaml was not tried: ${composer.reason}`)
      else
        try {
          await checkCompose(check, { root: ROOT, image: IMAGE, engine, composer })
        } finally {
          await composer.close()
        }
    }
  } finally {
    await engine.run(['rm', '--force', '--volumes', 'clinvk-open', 'clinvk-closed', 'clinvk-again'])
    await engine.run(['volume', 'rm', '--force', 'clinvk-check-home'])
    await engine.run(['rmi', '--force', IMAGE])
    await engine.close()
  }
  for (const note of [
    ...engine.notes,
    ...notes,
    `Only ${process.arch} was tried, Open WebUI itself was not, and no agent was logged in for real.`,
  ])
    console.log(`note: ${note}`)
  end()
}

async function checkImage(engine: ContainerEngine): Promise<void> {
  const once = async (...words: string[]) =>
    await ok(engine, ['run', '--rm', '--network', 'none', IMAGE, ...words])
  await check('it is configured as it is documented', async () => {
    const [image] = JSON.parse(await ok(engine, ['image', 'inspect', IMAGE]))
    console.log(`   ${Math.round(image.Size / 1e6)} MB`)
    const { User, Volumes, Cmd, WorkingDir, Env } = image.Config
    same(
      { User, Cmd, WorkingDir },
      { User: 'clinvk', Cmd: ['serve', '--host', '0.0.0.0'], WorkingDir: '/workspace' },
    )
    same(Object.keys(Volumes), ['/home/clinvk'])
    const names = Env.map((entry: string) => entry.split('=')[0]).sort()
    same(names, ['DISABLE_AUTOUPDATER', 'HOME', 'LANG', 'PATH'])
  })
  await check('nothing of the build stays in it', async () => {
    const left = await once(
      'sh',
      '-c',
      'find / -xdev -name .npmrc; ls -A /run/secrets /root/.npm 2>/dev/null; true',
    )
    same(left.trim(), '')
  })
  await check('the agents have the versions that the tests pin', async () => {
    const wanted = agents.dependencies
    holds(await once('claude', '--version'), wanted['@anthropic-ai/claude-code'])
    holds(await once('codex', '--version'), wanted['@openai/codex'])
    holds(await once('gemini', '--version'), wanted['@google/gemini-cli'])
    holds(await once('version'), manifest.version)
    holds(await once('git', '--version'), 'git version')
  })
  await check('one can log in', async () => {
    holds(await once('claude', 'auth', 'login', '--help'), 'Sign in')
    holds(await once('claude', 'setup-token', '--help'), 'token')
    holds(await once('codex', 'login', '--help'), '--device-auth')
  })
}

/** `docker run … clinvk serve --host 0.0.0.0`, with nothing else. */
async function checkOpen(engine: ContainerEngine): Promise<void> {
  const name = 'clinvk-open'
  await check('without keys it warns', async () => {
    await ok(engine, [
      'run',
      '-d',
      '--name',
      name,
      '--network',
      'none',
      ...TESTS,
      IMAGE,
      'serve',
      '--host',
      '0.0.0.0',
      '--demo',
    ])
    await healthy(engine, name)
    const { stdout, stderr } = await engine.run(['logs', name])
    holds(stdout + stderr, 'listens on 0.0.0.0 without API keys')
  })
  await check('the demo agent answers', async () => {
    const { status, body } = await request(engine, name, '/api/v1/prompt', '', {
      backend: 'demo',
      prompt: 'hello',
    })
    same(status, 200)
    if (!body['response']) throw new Error(`It said nothing: ${JSON.stringify(body)}`)
  })
  await check('nothing runs as root', async () => {
    const uids = await ok(engine, ['exec', name, 'sh', '-c', "grep -h '^Uid:' /proc/[0-9]*/status"])
    for (const line of uids.trim().split('\n'))
      same(line.split(/\s+/).slice(1), ['1000', '1000', '1000', '1000'])
  })
  await check('orphans that end are waited for', async () => {
    await ok(engine, ['exec', name, 'sh', '-c', 'for i in 1 2 3 4 5; do (sleep 0.1 &) ; done; sleep 1'])
    const states = await ok(engine, ['exec', name, 'sh', '-c', 'grep -h ^State /proc/[0-9]*/status'])
    if (/zombie/.test(states)) throw new Error(states)
  })
  await check('it ends by itself at SIGTERM', () => ends(engine, name))
  await check('the health check fails where nothing answers', async () => {
    const words = [
      'run',
      '--rm',
      '--network',
      'none',
      IMAGE,
      'sh',
      '-c',
      'exec node /opt/clinvk/healthcheck.mjs',
      'serve',
    ]
    same((await engine.run(words)).code, 1)
  })
}

/** As compose.yaml runs it: with a key, a read-only file system, no capability; with all agents and what they keep. */
async function checkClosed(engine: ContainerEngine): Promise<void> {
  const variables = { ...providerVariables(`http://127.0.0.1:${PROVIDER_PORT}`), CLINVK_API_KEYS: KEY }
  const env = Object.entries(variables).flatMap(([name, value]) => ['--env', `${name}=${value}`])
  const start = async (name: string) => {
    const words = [
      'run',
      '-d',
      '--name',
      name,
      '--network',
      'none',
      ...CLOSED,
      ...HOME_VOLUME,
      ...TESTS,
      ...env,
    ]
    await ok(engine, [...words, IMAGE, 'serve', '--host', '0.0.0.0', '--port=8080'])
    await healthy(engine, name)
    const provider = ['clinvk', '/tests/docker/inside/provider.ts', String(PROVIDER_PORT)]
    await ok(engine, ['exec', '-d', '--env', 'BUN_BE_BUN=1', name, ...provider])
    await ok(engine, ['exec', name, 'sh', '-c', 'until [ -s ~/.codex/config.toml ]; do sleep 0.1; done'])
  }
  const name = 'clinvk-closed'
  const sessions: Record<string, string> = {}
  await check('with a read-only file system and without capabilities it starts', () => start(name))
  await check('with keys it wants one', async () => {
    same((await request(engine, name, '/api/v1/backends', '')).status, 401)
    same((await request(engine, name, '/api/v1/backends', KEY)).status, 200)
  })
  for (const backend of ['claude', 'codex', 'gemini'])
    await check(`${backend} answers`, async () => {
      const answer = await request(engine, name, '/api/v1/prompt', KEY, { backend, prompt: 'hello' })
      if (answer.status !== 200 || !answer.body['response']) throw new Error(JSON.stringify(answer))
      sessions[backend] = String(answer.body['session_id'])
    })
  await check('a login is kept in the volume', async () => {
    const login = [
      'run',
      '--rm',
      '-i',
      '--network',
      'none',
      ...HOME_VOLUME,
      IMAGE,
      'codex',
      'login',
      '--with-api-key',
    ]
    const { code, stdout, stderr } = await engine.run(login, 'sk-not-a-real-key\n')
    if (code !== 0) throw new Error(stdout + stderr)
    const status = await engine.run([
      'run',
      '--rm',
      '--network',
      'none',
      ...HOME_VOLUME,
      IMAGE,
      'codex',
      'login',
      'status',
    ])
    holds(status.stdout + status.stderr, 'API key configured')
  })
  await check('it ends by itself at SIGTERM with its agents', () => ends(engine, name))
  await check('a new container goes on with the conversations', async () => {
    await ok(engine, ['rm', name])
    await start('clinvk-again')
    for (const [backend, session_id] of Object.entries(sessions)) {
      const answer = await request(engine, 'clinvk-again', '/api/v1/prompt', KEY, {
        backend,
        session_id,
        prompt: 'and now?',
      })
      if (answer.status !== 200) throw new Error(JSON.stringify(answer))
      same(answer.body['session_id'], session_id)
    }
    same(Object.keys(sessions).length, 3)
  })
}

/** Runs the image's own health check until it passes. */
async function healthy(engine: ContainerEngine, name: string): Promise<void> {
  const [image] = JSON.parse(await ok(engine, ['image', 'inspect', IMAGE]))
  // Docker and Podman have it in different places.
  const test: string[] = (image.Config.Healthcheck ?? image.Healthcheck)?.Test ?? []
  same(test[0], 'CMD')
  let last: Outcome | undefined
  for (let attempt = 0; attempt < 60; attempt += 1) {
    last = await engine.run(['exec', name, ...test.slice(1)])
    if (last.code === 0) return
    await Bun.sleep(500)
  }
  throw new Error(`It does not get healthy: ${last?.stderr}${(await engine.run(['logs', name])).stderr}`)
}

/** An engine kills what has not ended 10 s after its SIGTERM, with 137. */
async function ends(engine: ContainerEngine, name: string): Promise<void> {
  await ok(engine, ['stop', '--time', '10', name])
  same((await ok(engine, ['inspect', '--format', '{{.State.ExitCode}}', name])).trim(), '0')
}

async function request(engine: ContainerEngine, name: string, path: string, key: string, body?: unknown) {
  const words = [
    'clinvk',
    '/tests/docker/inside/request.ts',
    path,
    key,
    body === undefined ? '' : JSON.stringify(body),
  ]
  const text = await ok(engine, ['exec', '--env', 'BUN_BE_BUN=1', name, ...words])
  return JSON.parse(text) as { status: number; body: Record<string, unknown> }
}

async function ok(engine: ContainerEngine, words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await engine.run(words)
  if (code !== 0)
    throw new Error(`${engine.name} ${words.join(' ')} ended with code ${code}:\n${stdout}${stderr}`)
  return stdout
}
