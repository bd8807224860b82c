import { describe, expect, test } from 'bun:test'
import { HOME, load, problemsOf } from './support.ts'

describe('chat', () => {
  test('is a model call in a folder of its own by default, and fetches nothing', async () => {
    const { config } = await load('')
    expect(config.chat).toEqual({
      profile: 'pure',
      fetch_images: false,
      replay_guard_secs: 120,
      tool_result_timeout_secs: 600,
      max_waiting_turns: 16,
      model_aliases: Object.create(null),
    })
  })

  test('takes all of its keys', async () => {
    const { config } = await load(
      'chat:\n  workdir: ~/chats\n  profile: project\n  max_profile: full\n  fetch_images: true\n  model_aliases:\n    gpt-4.1: codex\n    smart: claude/opus\n',
    )
    expect({ ...config.chat, model_aliases: { ...config.chat.model_aliases } }).toEqual({
      workdir: `${HOME}/chats`,
      profile: 'project',
      max_profile: 'full',
      fetch_images: true,
      replay_guard_secs: 120,
      tool_result_timeout_secs: 600,
      max_waiting_turns: 16,
      model_aliases: { 'gpt-4.1': 'codex', smart: 'claude/opus' },
    })
  })

  test('finds in the aliases only what the user wrote', async () => {
    const { config } = await load('')
    expect(config.chat.model_aliases['constructor']).toBeUndefined()
  })

  const wrong: [yaml: string, problem: string][] = [
    [
      'chat:\n  profile: pur\n',
      'FILE:2:12: chat.profile: found "pur", expected one of pure, project, full: did you mean pure?',
    ],
    [
      'chat:\n  workdir: chats\n',
      'FILE:2:12: chat.workdir: found "chats", expected an absolute path, or one that starts with ~/',
    ],
    [
      'chat:\n  profile: full\n  max_profile: pure\n',
      'FILE:3:16: chat.max_profile: pure is less than chat.profile, which is full',
    ],
    [
      'chat:\n  model_aliases:\n    x: codx/gpt-5\n',
      'FILE:3:8: chat.model_aliases.x: found "codx/gpt-5", expected a backend (claude, codex, gemini, opencode, demo) or backend/model: did you mean codex?',
    ],
  ]
  test.each(wrong)('names what is wrong in %p', async (yaml, problem) => {
    expect(await problemsOf(yaml)).toEqual([problem])
  })

  test("lets an alias lead to a backend of the user's own", async () => {
    const { config } = await load(
      'backends:\n  llama: {driver: exec, command: [llama]}\nchat:\n  model_aliases: {x: llama/big}\n',
    )
    expect(config.chat.model_aliases['x']).toBe('llama/big')
  })
})
