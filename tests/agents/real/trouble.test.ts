import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { answerOf, json } from '../../support/events.ts'
import { describeAgents, typesOf } from './suite.ts'

describeAgents((agent, stage) => {
  const { prompt, stream } = stage

  test('answers after the agent tried again by itself, and calls that progress', async () => {
    const { model } = stage
    model.play([{ status: 529, message: 'Busy.', retryAfter: agent.retryAfter }, { text: 'At last.' }])
    const events = await stream('hi')
    expect(answerOf(events)).toBe('At last.')
    expect(events.at(-1)?.type).toBe('done')
    if (agent.tells.retries) expect(typesOf(events)).toContain('progress')
  }, 180_000)

  test('tells an unknown model as such', async () => {
    stage.model.play({ status: 404, errorType: 'not_found_error', message: 'model: nope is not found' })
    const problem = await json(await prompt('hi', { ephemeral: true }))
    expect(problem).toMatchObject({ code: 'model_not_found', status: 404 })
  }, 180_000)

  test('tells a context that is too long as such', async () => {
    stage.model.play({ status: 400, message: 'prompt is too long: 210000 tokens > 200000 maximum' })
    const problem = await json(await prompt('hi', { ephemeral: true }))
    expect(problem).toMatchObject({ code: 'context_too_long', status: 400 })
  }, 180_000)

  test('stops when the model would speak more often than max_turns allows', async () => {
    const path = join(stage.home.workdir, 'again.txt')
    await Bun.write(path, 'again')
    const again = { toolCalls: [agent.read(path)] }
    stage.model.play([again, again, { text: 'one too many' }])
    const before = stage.model.calls.length
    const body = await json(await prompt('loop', { max_turns: 2, approval_mode: 'none', ephemeral: true }))
    expect(body).toMatchObject({ stop_reason: 'max_turns', exit_code: 0, response: '' })
    await stage.model.idle()
    // Where the agent cannot count, the third call is heard and interrupted.
    expect(stage.model.calls.length - before).toBeWithin(2, 4)
  })

  test('writes nothing in a read-only sandbox, whatever is approved', async () => {
    const path = join(stage.home.workdir, 'forbidden.txt')
    stage.model.play([{ toolCalls: [agent.write(path, 'x')] }, { text: 'No.' }])
    const events = await stream('write', { approval_mode: 'none', sandbox_mode: 'read-only' })
    expect(await Bun.file(path).exists()).toBe(false)
    expect(answerOf(events)).toContain('No.')
  })

  // Codex writes files by shell commands, which auto does not approve.
  if (agent.name !== 'codex')
    test('edits files of its folder with approval_mode auto, and none elsewhere', async () => {
      const inside = join(stage.home.workdir, 'inside.txt')
      const outside = join(stage.home.home, 'outside.txt')
      stage.model.play([
        { toolCalls: [agent.write(inside, 'in')] },
        { toolCalls: [agent.write(outside, 'out')] },
        { text: 'Done.' },
      ])
      const events = await stream('write', { approval_mode: 'auto' })
      expect(await Bun.file(inside).text()).toContain('in')
      expect(await Bun.file(outside).exists()).toBe(false)
      expect(events.at(-1)?.type).toBe('done')
    })

  test('fails with the connection to the provider, and works again afterwards', async () => {
    stage.model.play({ text: ['partial ', 'answer'], dropAfter: 1 })
    const leaving = new AbortController()
    const failing = prompt('hi', { ephemeral: true }, { signal: leaving.signal })
    // Some agents try again for as long as they are let: what counts is that leaving ends it.
    const outcome = await Promise.race([failing.then(json), Bun.sleep(8000).then(() => 'still trying')])
    leaving.abort()
    await failing.catch(() => {})
    if (outcome !== 'still trying') expect(outcome).toMatchObject({ status: expect.any(Number) })
    await stage.model.idle()
    stage.model.play({ text: 'Back.' })
    expect((await json(await prompt('hi'))).response).toBe('Back.')
  }, 180_000)
})
