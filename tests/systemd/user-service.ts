import { eventually, holds, same } from '../support/checks.ts'
import { type Check, goneAgents, isDown, propertiesOf } from './looks.ts'
import type { Workbench } from './workbench.ts'

const KEY = 'of-the-user'
const CONFIG = '~/.clinvk/config.yaml'

/** A service of ann's own. */
export async function checkUserService(check: Check, bench: Workbench): Promise<void> {
  const { ann, ask, begin } = bench
  const show = (...names: string[]) => propertiesOf(bench, 'user', names)
  const demo = async (key?: string) =>
    await ask(8080, '/api/v1/prompt', { body: { backend: 'demo', prompt: 'hello' }, ...(key ? { key } : {}) })

  await check('a user installs it, and it answers', async () => {
    holds(await ann('clinvk service status', 1), 'Not installed')
    const told = await ann('clinvk service install --demo')
    holds(told, 'It answers at http://127.0.0.1:8080.')
    const status = await ann('clinvk service status')
    for (const words of ['Enabled:   yes', 'active (running)', '/health ok']) holds(status, words)
    same((await demo()).status, 200)
  })
  await check('its log is where install said', async () => {
    await eventually(async () => {
      const log = await ann('journalctl --user-unit clinvk --no-pager --quiet')
      holds(log, 'listens on http://127.0.0.1:8080')
      holds(log, 'Agents work in /home/ann/.clinvk/workspace')
    })
  })
  await check('it finds the agents that a login shell finds', async () => {
    const { body } = await ask(8080, '/api/v1/backends')
    const paths = body.backends
      .filter(({ name }: { name: string }) => ['claude', 'codex'].includes(name))
      .map(({ available }: { available: boolean }) => available)
    same(paths, [true, true])
  })
  await check('keys are read at a restart, and close it', async () => {
    await ann(`echo CLINVK_API_KEYS=${KEY} >> ~/.clinvk/env && systemctl --user restart clinvk`)
    await eventually(() => ann('clinvk service status'))
    same((await demo()).status, 401)
    same((await demo(KEY)).status, 200)
    holds(await ann('stat -c %a ~/.clinvk/env'), '600')
  })
  await check('it ends when its user logs out, until it is told to stay', async () => {
    // Each line of ann's is a login that ends with it.
    await eventually(async () => same(await bench.root('pgrep --exact clinvk', 1), ''))
    await eventually(() => ann('clinvk service status'))
    await ann('loginctl enable-linger')
    const { MainPID } = await show('MainPID')
    // Longer than systemd waits for another login.
    await Bun.sleep(15_000)
    same(await bench.root('pgrep --exact clinvk'), `${MainPID}\n`)
  })
  await check('killed, it comes back, and its agents are gone', async () => {
    const { MainPID: before = '' } = await show('MainPID')
    const { rest } = await begin(8080, 'demo: tokens=10000 delay=100ms', KEY)
    await bench.root(`kill -9 ${before}`)
    const cut = await rest
    same(
      cut.some(({ type }) => type === 'done'),
      false,
    )
    await eventually(() => ann('clinvk service status'))
    const { MainPID, NRestarts } = await show('MainPID', 'NRestarts')
    same([MainPID === before, NRestarts], [false, '1'])
    await goneAgents(bench, MainPID)
    same((await demo(KEY)).status, 200)
  })
  await check('stopped, it lets a prompt end', async () => {
    const { rest } = await begin(8080, 'demo: tokens=30 delay=100ms', KEY)
    await ann('systemctl --user stop clinvk')
    const events = await rest
    same(events.at(-1)?.type, 'done')
    same(events.filter(({ type }) => type === 'message').length, 30)
    same(await show('ActiveState', 'Result', 'ExecMainStatus'), {
      ActiveState: 'inactive',
      Result: 'success',
      ExecMainStatus: '0',
    })
    await goneAgents(bench)
  })
  await check('one that takes longer than drain_secs is told why it ends', async () => {
    await ann(`printf 'server: {drain_secs: 1}\\n' > ${CONFIG} && clinvk service install --demo`)
    holds(await ann('cat ~/.config/systemd/user/clinvk.service'), 'TimeoutStopSec=31')
    const { rest } = await begin(8080, 'demo: tokens=10000 delay=100ms', KEY)
    await ann('systemctl --user stop clinvk')
    const { type, content } = (await rest).at(-1) ?? {}
    same([type, content?.code], ['error', 'shutting_down'])
    same(await show('ActiveState', 'Result'), { ActiveState: 'inactive', Result: 'success' })
    await eventually(async () =>
      holds(await ann('journalctl --user-unit clinvk --quiet --lines=9'), 'ending 1 prompt that took longer'),
    )
  })
  await check('a second signal does not wait, and leaves no agent', async () => {
    await ann(`rm ${CONFIG} && clinvk service install --demo`)
    const { rest } = await begin(8080, 'demo: tokens=10000 delay=100ms', KEY)
    const stopping = ann('systemctl --user stop clinvk')
    await eventually(async () => same((await ask(8080, '/health')).status, 503))
    await Bun.sleep(400)
    await ann('systemctl --user kill --kill-whom=main clinvk')
    await stopping
    await rest
    same(await show('ActiveState', 'ExecMainStatus'), { ActiveState: 'failed', ExecMainStatus: '1' })
    await goneAgents(bench)
  })
  await check('with a wrong configuration it is not started again, and status says why', async () => {
    await ann(`printf 'server: {drain_secs: long}\\n' > ${CONFIG} && systemctl --user start clinvk`)
    await eventually(() => isDown(bench, 'user'))
    // As long as a restart would take.
    await Bun.sleep(6000)
    same(await show('ActiveState', 'NRestarts', 'ExecMainStatus'), {
      ActiveState: 'failed',
      NRestarts: '0',
      ExecMainStatus: '3',
    })
    const status = await ann('clinvk service status', 1)
    holds(status, 'Running:   no, failed')
    holds(status, 'config.yaml:1:22: server.drain_secs: found "long"')
    holds(await ann('clinvk service install --demo', 3), 'server.drain_secs')
    await ann(`rm ${CONFIG}`)
  })
  await check('with a wrong option as well', async () => {
    await ann(
      "sed -i 's/serve --demo/serve --demmo/' ~/.config/systemd/user/clinvk.service && systemctl --user daemon-reload && systemctl --user restart clinvk",
    )
    await eventually(() => isDown(bench, 'user'))
    same(await show('ActiveState', 'ExecMainStatus'), { ActiveState: 'failed', ExecMainStatus: '2' })
    holds(await ann('clinvk service status', 1), 'did you mean --demo?')
  })
  await check('without its file of keys it does not start, and status says why', async () => {
    await ann('mv ~/.clinvk/env ~/env')
    await ann('systemctl --user restart clinvk', 1)
    const status = await ann('clinvk service status', 1)
    holds(status, 'Running:   no')
    holds(status, '/health does not answer')
    holds(status, 'Failed to load environment files')
    await ann('mv ~/env ~/.clinvk/env && clinvk service install --demo')
    same((await demo(KEY)).status, 200)
  })
  await check('it comes back with the machine, before anybody logs in', async () => {
    await bench.reboot()
    await eventually(async () => same((await demo(KEY)).status, 200))
    holds(await ann('clinvk service status'), 'active (running)')
  })
  await check('removed, nothing runs and nothing is lost', async () => {
    await ann('clinvk service uninstall')
    holds(await ann('clinvk service status', 1), 'Not installed')
    await goneAgents(bench)
    same((await show('LoadState'))['LoadState'], 'not-found')
    holds(await ann('ls -A ~/.clinvk'), 'clinvk.db')
    holds(await ann('cat ~/.clinvk/env'), KEY)
    same(await ann('find ~/.config/systemd -name "clinvk*"'), '')
  })
  await check('where something listens already it is not installed', async () => {
    await bench.root('systemd-run --quiet --unit=other --uid=bob --setenv=HOME=/home/bob clinvk serve --demo')
    await eventually(async () => same((await ask(8080, '/health')).status, 200))
    holds(await ann('clinvk service install', 1), 'something listens at http://127.0.0.1:8080 already')
    holds(await ann('clinvk service status', 1), 'Not installed')
    await bench.root('systemctl stop other')
  })
}
