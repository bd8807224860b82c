import { providerVariables } from '../agents/env.ts'
import { eventually, holds, same } from '../support/checks.ts'
import { type Check, goneAgents, propertiesOf } from './looks.ts'
import { PROVIDER_PORT, type Workbench } from './workbench.ts'

const KEY = 'of-the-machine'
const INSTALL = 'sudo env PATH="$PATH" clinvk service install --system --demo'

/** A service of the machine, that runs as ann, then as bob. */
export async function checkMachineService(check: Check, bench: Workbench): Promise<void> {
  const { ann, ask } = bench
  const show = (...names: string[]) => propertiesOf(bench, 'system', names)
  const sessions: Record<string, string> = {}

  await check('without sudo nothing is installed for the machine', async () => {
    holds(await ann('clinvk service install --system', 1), 'needs sudo')
  })
  await check('with sudo it runs as who ran it, with that user’s configuration', async () => {
    await ann("printf 'server: {port: 9090, drain_secs: 90}\\n' > ~/.clinvk/config.yaml")
    const told = await ann(INSTALL)
    holds(told, 'It answers at http://127.0.0.1:9090.')
    holds(told, 'sudo journalctl --unit clinvk --follow')
    for (const words of ['clinvk service status --system', 'sudo clinvk service status --system'])
      holds(await ann(words), 'http://127.0.0.1:9090/health ok')
    same(await show('User', 'TimeoutStopUSec', 'UnitFileState'), {
      User: 'ann',
      TimeoutStopUSec: '2min',
      UnitFileState: 'enabled',
    })
    await eventually(async () =>
      holds(await ann('sudo journalctl --unit clinvk --no-pager'), 'listens on http://127.0.0.1:9090'),
    )
  })
  await check('its keys are for root alone', async () => {
    same(await bench.root('stat -c "%U %a" /etc/clinvk /etc/clinvk/env'), 'root 700\nroot 600\n')
    const variables = { ...providerVariables(`http://127.0.0.1:${PROVIDER_PORT}`), CLINVK_API_KEYS: KEY }
    const lines = Object.entries(variables).map(([name, value]) => `${name}=${value}`)
    await ann(`printf '%s\\n' ${lines.join(' ')} | sudo tee /etc/clinvk/env`)
    await ann('sudo systemctl restart clinvk')
    await eventually(() => ann('clinvk service status --system'))
    same((await ask(9090, '/api/v1/backends')).status, 401)
  })
  await bench.provide()
  for (const backend of ['claude', 'codex']) {
    const options = { backend, workdir: '/home/ann/project', approval_mode: 'none' }
    const prompt = async (text: string, more: object = {}) => {
      const body = { ...options, prompt: text, ...more }
      const answer = await ask(9090, '/api/v1/prompt', { key: KEY, body })
      same([answer.status, answer.body.response ?? answer.body], [200, 'ran it'])
      return String(answer.body.session_id)
    }
    await check(`${backend} answers`, async () => {
      sessions[backend] = await prompt('hello')
    })
    await check(
      `commands of ${backend} write to projects, not to the system, with a /tmp of their own`,
      async () => {
        await bench.root('touch /tmp/of-the-machine')
        const steps = [
          'touch in-project',
          'touch /usr/x /etc/x',
          'sudo -n true && touch sudo-works',
          'ls -A /tmp > seen-in-tmp',
          'unshare -Ur --mount --pid --fork --mount-proc touch sandbox-starts',
        ]
        await bench.root('rm -rf /home/ann/project/*')
        await prompt(`run: ${steps.join('; ')}`, { sandbox_mode: 'full' })
        const files = await bench.root('ls /home/ann/project; ls /usr/x /etc/x 2>/dev/null; true')
        same(files.trim().split('\n'), ['in-project', 'sandbox-starts', 'seen-in-tmp'])
        same((await bench.root('cat /home/ann/project/seen-in-tmp')).includes('of-the-machine'), false)
      },
    )
  }
  await check('Codex’s own sandbox starts', async () => {
    await bench.root('rm -rf /home/ann/project/*')
    const body = {
      backend: 'codex',
      prompt: 'run: touch in-project; touch ~/outside; true',
      workdir: '/home/ann/project',
      approval_mode: 'none',
      sandbox_mode: 'workspace',
    }
    const { status } = await ask(9090, '/api/v1/prompt', { key: KEY, body })
    same(status, 200)
    same(await bench.root('ls /home/ann/project; ls /home/ann/outside 2>/dev/null; true'), 'in-project\n')
  })
  await check('it comes back with the machine, and goes on with its conversations', async () => {
    await bench.reboot()
    await bench.provide()
    await eventually(() => ann('clinvk service status --system'))
    for (const [backend, session_id] of Object.entries(sessions)) {
      const body = { backend, session_id, prompt: 'and now?' }
      const answer = await ask(9090, '/api/v1/prompt', { key: KEY, body })
      same([answer.status, answer.body.session_id], [200, session_id])
    }
    same(Object.keys(sessions).length, 2)
  })
  await check('it ends with its agents', async () => {
    await ann('sudo systemctl stop clinvk')
    same(await show('ActiveState', 'Result'), { ActiveState: 'inactive', Result: 'success' })
    await bench.root('systemctl stop provider')
    await goneAgents(bench)
  })
  await check('it can run as somebody else', async () => {
    await bench.root('install -d -o bob -m 700 /home/bob/.clinvk')
    await bench.root("printf 'server: {port: 9191}\\n' > /home/bob/.clinvk/config.yaml")
    holds(await ann(`${INSTALL} --run-as bob`), 'It answers at http://127.0.0.1:9191.')
    holds(await ann('sudo clinvk service status --system'), 'http://127.0.0.1:9191/health ok')
    const body = { backend: 'demo', prompt: 'demo: session' }
    const answer = await ask(9191, '/api/v1/prompt', { key: KEY, body })
    holds(answer.body.response, 'folder /home/bob/.clinvk/workspace')
    // Her view of his configuration is none.
    holds(await ann('clinvk service status --system'), 'may not be read by this user')
  })
  await check('a program that its user may not run is told of', async () => {
    await ann('mkdir -p ~/own && chmod 700 ~ && cp "$(command -v clinvk)" ~/own/')
    const told = await ann('sudo ~/own/clinvk service install --system --demo --run-as bob', 1)
    holds(told, 'does not keep running')
    holds(told, 'Permission denied')
  })
  await check('removed, nothing runs and its keys stay', async () => {
    await ann('sudo clinvk service uninstall --system')
    same((await show('LoadState'))['LoadState'], 'not-found')
    await goneAgents(bench)
    holds(await bench.root('cat /etc/clinvk/env'), KEY)
    holds(await ann('clinvk service status --system', 1), 'Not installed')
  })
}
