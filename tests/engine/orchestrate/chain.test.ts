import { describe, expect, test } from 'bun:test'
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runChain } from '../../../src/engine/orchestrate/chain.ts'
import { type Chain, planChain, type Step } from '../../../src/engine/orchestrate/plan-chain.ts'
import type { TurnRequest } from '../../../src/engine/types.ts'
import { ClinvkError } from '../../../src/errors.ts'
import { createFakeDriver, type FakeDriver } from '../../support/fake-driver.ts'
import { ask, engineOf, never, readAll, saying, textOf } from './support.ts'

/** Answers `<PROMPT>`; a prompt that begins with `fail` fails after it has said something. */
function scripted(name = 'fake'): FakeDriver {
  const fake = createFakeDriver(name)
  fake.steps = (input) => {
    const text = textOf(input)
    if (text.startsWith('fail'))
      return [{ type: 'init' }, { type: 'text', text: 'SECRET' }, new ClinvkError('agent_failed', 'No.')]
    return text.startsWith('hang') ? [{ type: 'init' }, 'hang'] : saying('<', text, '>')
  }
  return fake
}

const step = (text: string, more: Partial<TurnRequest> & { name?: string } = {}): Step => {
  const { name, ...request } = more
  return { request: ask(text, request), ...(name === undefined ? {} : { name }) }
}
const chainOf = (steps: Step[], more: Partial<Chain> = {}): Chain => ({
  steps,
  stopOnFailure: true,
  passWorkdir: false,
  passSession: false,
  ...more,
})

async function run(chain: Chain, { drivers = [scripted()], signal = never } = {}) {
  const engine = engineOf(...drivers)
  const planned = await planChain(engine, chain)
  const result = await readAll(runChain(engine, planned, signal))
  return { ...result, engine, prompts: drivers.flatMap(({ prompts }) => prompts.map(textOf)) }
}

describe('the prompts of a chain', () => {
  test('have the answers of earlier steps and the input in them', async () => {
    const { said } = await run(
      chainOf(
        [
          step('{{previous}}', { name: 'one' }),
          step('{{previous}} {{input}}', { name: 'two' }),
          step('{{steps.one.output}} {{steps.two.output}}'),
        ],
        { input: 'I' },
      ),
    )
    expect(said).toEqual(['completed <I>', 'completed <<I> I>', 'completed <<I> <<I> I>>'])
  })

  test('get texts as they are, with placeholders and dollars in them', async () => {
    const { prompts } = await run(
      chainOf([step('{{input}}'), step('{{previous}}')], { input: '{{previous}} $&' }),
    )
    expect(prompts).toEqual(['{{previous}} $&', '<{{previous}} $&>'])
  })

  test('are the only place of placeholders', async () => {
    const driver = scripted()
    await run(chainOf([step('a', { systemPrompt: '{{nothing}} {{previous}}' })]), { drivers: [driver] })
    expect(driver.opened[0]?.systemPrompt).toBe('{{nothing}} {{previous}}')
  })

  test('keep their images', async () => {
    const driver = scripted()
    const image = { type: 'image', mediaType: 'image/png', data: 'AAAA' } as const
    const parts = [image, { type: 'text', text: '{{input}}' } as const]
    await run(chainOf([{ request: { parts } }], { input: 'I' }), { drivers: [driver] })
    expect(driver.prompts[0]?.parts).toEqual([image, { type: 'text', text: 'I' }])
  })

  test('cannot grow for ever', async () => {
    const doubled = Array.from({ length: 25 }, () => step('{{previous}}{{previous}}'))
    const { outcomes, said } = await run(chainOf(doubled, { input: 'x'.repeat(1024) }))
    const failed = said.indexOf('failed invalid_request')
    expect(failed).toBeWithin(10, 16)
    expect(outcomes[failed]).toMatchObject({ error: { message: expect.stringContaining('16777216') } })
  })
})

describe('a chain is refused before anything runs', () => {
  const mistakes: [title: string, chain: Chain, errors: { path: string; message: RegExp }[]][] = [
    [
      'for an unknown placeholder',
      chainOf([step('a'), step('{{user}}')]),
      [{ path: 'steps[1].prompt', message: /^has \{\{user\}\}, which is not known/ }],
    ],
    [
      'for a later step',
      chainOf([step('{{steps.b.output}}'), step('x', { name: 'b' })]),
      [{ path: 'steps[0].prompt', message: /a later step/ }],
    ],
    [
      'for a name twice',
      chainOf([step('a', { name: 'n' }), step('b', { name: 'm' }), step('c', { name: 'n' })]),
      [{ path: 'steps[2].name', message: /^is also the name of steps\[0\]\.$/ }],
    ],
    [
      'for an input that is missing',
      chainOf([step('{{previous}}'), step('{{input}}')]),
      [
        { path: 'steps[0].prompt', message: /there is no input/ },
        { path: 'steps[1].prompt', message: /there is no input/ },
      ],
    ],
    [
      'for an input that nothing uses',
      chainOf([step('a'), step('{{previous}}')], { input: 'I' }),
      [{ path: 'input', message: /used by no step/ }],
    ],
    [
      'for the answer of a dry run',
      chainOf([{ ...step('a'), dryRun: true }, step('{{previous}}')]),
      [{ path: 'steps[1].prompt', message: /steps\[0\] is a dry run/ }],
    ],
    [
      'for an unknown backend',
      chainOf([step('a'), step('b', { backend: 'x' })]),
      [{ path: 'steps[1].backend', message: /no backend "x"/ }],
    ],
  ]
  test.each(mistakes)('%s', async (_, chain, errors) => {
    const driver = scripted()
    const error = await planChain(engineOf(driver), chain).then(
      () => undefined,
      (thrown) => thrown as ClinvkError,
    )
    expect(error?.details['errors']).toEqual(
      errors.map(({ path, message }) => ({ path, message: expect.stringMatching(message) })),
    )
    expect(driver.opened).toEqual([])
  })

  test('but not where all of it is a dry run', async () => {
    const dry = ['a', '{{previous}}'].map((text) => ({ ...step(text), dryRun: true }))
    expect((await run(chainOf(dry))).said).toEqual(['planned', 'planned'])
  })
})

describe('a step that fails', () => {
  test('ends the chain, and what it said goes nowhere', async () => {
    const { said, prompts, outcomes } = await run(
      chainOf([step('a'), step('fail'), step('{{previous}}'), step('b')]),
    )
    expect(said).toEqual([
      'completed <a>',
      'failed agent_failed',
      'cancelled cancelled',
      'cancelled cancelled',
    ])
    expect(prompts).toEqual(['a', 'fail'])
    expect(outcomes[3]).toMatchObject({
      error: { message: expect.stringMatching(/^Step 1 .*stop_on_failure/) },
    })
  })

  test('without stop_on_failure lets those go on that do not refer to it', async () => {
    const { said, prompts, outcomes } = await run(
      chainOf(
        [
          step('a', { name: 'a' }),
          step('fail', { name: 'f' }),
          step('p {{previous}}'),
          step('q {{previous}}'),
          step('n {{steps.f.output}}'),
          step('{{steps.a.output}}'),
          step('{{previous}}'),
        ],
        { stopOnFailure: false },
      ),
    )
    expect(said).toEqual([
      'completed <a>',
      'failed agent_failed',
      'cancelled cancelled',
      'cancelled cancelled',
      'cancelled cancelled',
      'completed <<a>>',
      'completed <<<a>>>',
    ])
    expect(prompts.join()).not.toContain('SECRET')
    expect(outcomes[2]).toMatchObject({
      error: { message: 'Skipped: it refers to step 1, which was not completed.' },
    })
    expect(outcomes[3]).toMatchObject({
      error: { message: 'Skipped: it refers to step 2, which was not completed.' },
    })
  })
})

describe('the folder of a step', () => {
  test('is that of the step before, with pass_working_dir', async () => {
    const one = await realpath(await mkdtemp(join(tmpdir(), 'clinvk-chain-')))
    const two = await realpath(await mkdtemp(join(tmpdir(), 'clinvk-chain-')))
    const steps = [step('a'), step('b', { workdir: one }), step('c'), step('d', { workdir: two }), step('e')]
    for (const [passWorkdir, folders] of [
      [true, [tmpdir(), one, one, two, two]],
      [false, [tmpdir(), one, tmpdir(), two, tmpdir()]],
    ] as const) {
      const driver = scripted()
      await run(chainOf(steps, { passWorkdir }), { drivers: [driver] })
      expect(driver.opened.map(({ workdir }) => workdir)).toEqual([...folders])
    }
    await Promise.all([one, two].map((folder) => rm(folder, { recursive: true })))
  })
})

describe('the session of a step', () => {
  const sessionsOf = ({ outcomes }: Awaited<ReturnType<typeof run>>) =>
    outcomes.map((outcome) => (outcome.status === 'completed' ? outcome.result.sessionId : outcome.status))

  test('is passed on to steps of the same backend and folder, with pass_session', async () => {
    const steps = [
      step('a', { backend: 'one' }),
      step('b', { backend: 'two' }),
      step('c', { backend: 'one' }),
      step('d', { backend: 'one', workdir: '/var' }),
      step('e', { backend: 'two' }),
    ]
    const [a, b, c, d, e] = sessionsOf(
      await run(chainOf(steps, { passSession: true }), { drivers: [scripted('one'), scripted('two')] }),
    )
    expect([c, e]).toEqual([a, b])
    expect(new Set([a, b, d]).size).toBe(3)
    const apart = await run(chainOf(steps), { drivers: [scripted('one'), scripted('two')] })
    expect(new Set(sessionsOf(apart)).size).toBe(5)
  })

  test('is a new one where the step says something about it', async () => {
    const own: Partial<TurnRequest>[] = [{ title: 'T' }, { tags: ['t'] }, { ephemeral: true }]
    for (const more of own) {
      const [a, b] = sessionsOf(await run(chainOf([step('a'), step('b', more)], { passSession: true })))
      expect(b).not.toBe(a)
    }
  })

  test('is not passed on where it is forgotten', async () => {
    const [a, b] = sessionsOf(
      await run(chainOf([step('a', { ephemeral: true }), step('b')], { passSession: true })),
    )
    expect(b).toStartWith('ses_')
    expect(b).not.toBe(a)
  })

  test('is a new one after a step in it failed: its agent knows what it said', async () => {
    const [a, , c, d] = sessionsOf(
      await run(
        chainOf([step('a'), step('fail'), step('c'), step('d')], { passSession: true, stopOnFailure: false }),
      ),
    )
    expect(c).not.toBe(a)
    expect(d).toBe(c)
  })
})

describe('cancelling a chain', () => {
  test('cancels the step that runs and those behind it', async () => {
    const stop = new AbortController()
    const driver = scripted()
    const running = run(chainOf([step('a'), step('hang'), step('c')], { stopOnFailure: false }), {
      drivers: [driver],
      signal: stop.signal,
    })
    while (driver.prompts.length < 2) await Bun.sleep(1)
    stop.abort()
    const { said, end, prompts } = await running
    expect(said).toEqual(['completed <a>', 'cancelled cancelled', 'cancelled cancelled'])
    expect([end, prompts]).toEqual(['cancelled', ['a', 'hang']])
    expect(driver.log).toContain('interrupt agent-2')
  })

  test('tells of each step what it was cancelled for', async () => {
    const reason = new ClinvkError('shutting_down', 'Stopping.')
    const { said, end } = await run(chainOf([step('a'), step('b')]), { signal: AbortSignal.abort(reason) })
    expect(said).toEqual(['cancelled shutting_down', 'cancelled shutting_down'])
    expect(end).toBe('shutting_down')
  })

  test('happens when its reader leaves', async () => {
    const driver = scripted()
    const engine = engineOf(driver)
    const planned = await planChain(engine, chainOf([step('hang'), step('b')]))
    for await (const _ of runChain(engine, planned, never)) break
    expect(driver.log).toContain('interrupt agent-1')
    expect(driver.prompts).toHaveLength(1)
  })
})
