import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually, holds, same } from '../support/checks.ts'
import type { Outcome } from '../support/execute.ts'
import type { Composer } from './composer.ts'
import type { ContainerEngine } from './engine.ts'

const WEBUI = 'localhost/clinvk-webui:check'
const KEY = 'compose-key'
const PORTS = { clinvk: 18_080, webui: 13_000 }
const PROJECT = 'clinvk-compose-check'

/** compose.yaml as docs/docker.md has it used, with the image that was built and one that stands in for Open WebUI. */
export async function checkCompose(
  check: (what: string, work: () => Promise<unknown>) => Promise<boolean>,
  { root, image, engine, composer }: Parts,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'clinvk-compose-'))
  const files = ['--file', join(folder, 'compose.yaml'), '--file', join(folder, 'override.yaml')]
  const compose = (...words: string[]) => composer.run(['--project-name', PROJECT, ...files, ...words])
  /** @throws Error with what it printed where it failed. */
  const ok = async (running: Promise<Outcome>) => {
    const { code, stdout, stderr } = await running
    if (code !== 0) throw new Error(`It ended with code ${code}:\n${stdout}${stderr}`)
    return stdout + stderr
  }
  const get = async (port: number, path: string) =>
    JSON.parse(await ok(composer.reach([process.execPath, '-e', GET, `http://127.0.0.1:${port}${path}`])))
  try {
    await copyFile(join(root, 'compose.yaml'), join(folder, 'compose.yaml'))
    await writeFile(join(folder, 'override.yaml'), override(image))
    await check('Compose starts nothing without keys', async () => {
      const { code, stderr } = await compose('config')
      same(code === 0, false)
      holds(stderr, 'set CLINVK_API_KEY in .env')
    })
    await check('Compose starts clinvk, waits until it is healthy, and starts what is in front', async () => {
      await engine.build(WEBUI, join(root, 'tests/docker/webui'))
      await writeFile(join(folder, '.env'), filledIn(await readFile(join(root, '.env.example'), 'utf8')))
      const stop = composer.tend([`${PROJECT}-clinvk-1`])
      try {
        const told = await ok(compose('up', '--detach', '--no-build'))
        same([/clinvk-1\s+Healthy/.test(told), /open-webui-1\s+Started/.test(told)], [true, true])
      } finally {
        stop()
      }
    })
    await check('what is in front lists the models and chats, by its key', async () => {
      const { body: seen } = await eventually(() => get(PORTS.webui, '/'))
      same([seen.models[0], seen.chat[0], seen.stranger], [200, 200, 401])
      holds(seen.models[1], '"id":"demo"')
      holds(seen.chat[1], 'data: [DONE]')
    })
    await check('this machine reaches the server by the port that is published', async () => {
      same((await get(PORTS.clinvk, '/health')).body.status, 'ok')
      same((await get(PORTS.clinvk, '/api/v1/backends')).status, 401)
    })
    await check('one can log in through Compose', async () => {
      holds(await ok(compose('exec', '-T', 'clinvk', 'claude', 'auth', 'login', '--help')), 'Sign in')
    })
    await check('Compose stops both', async () => {
      await ok(compose('stop'))
      same((await ok(compose('ps', '--quiet', '--status', 'running'))).trim(), '')
    })
  } finally {
    await compose('down', '--volumes')
    await engine.run(['rmi', '--force', WEBUI])
    await rm(folder, { recursive: true })
  }
}

interface Parts {
  readonly root: string
  /** The image to try. */
  readonly image: string
  readonly engine: ContainerEngine
  readonly composer: Composer
}

const GET =
  'const r = await fetch(process.argv.at(-1)); console.log(JSON.stringify({ status: r.status, body: await r.json() }))'

/** Nothing is fetched; and no agent has a login, so the demo agent answers. */
function override(image: string): string {
  return `services:
  clinvk:
    image: ${image}
    pull_policy: never
    command: ["serve", "--host", "0.0.0.0", "--demo"]
  open-webui:
    image: ${WEBUI}
    pull_policy: never
`
}

function filledIn(example: string): string {
  return `${example.replace(/^CLINVK_API_KEY=$/m, `$&${KEY}`).replace(/^WEBUI_SECRET_KEY=$/m, '$&secret')}
CLINVK_HOST_PORT=${PORTS.clinvk}
OPEN_WEBUI_PORT=${PORTS.webui}
`
}
