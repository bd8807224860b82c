import { flag, seconds, section, whole } from './kinds.ts'

/** `pool`. */
export const PoolSchema = section('The processes that agents run in, and who waits for them.', {
  enabled: flag(
    'Whether processes are kept, shared and started ahead. If not, each prompt has one of its own, which ends with it.',
    true,
  ),
  minimum: whole(1, {
    description:
      'Spare processes that a backend keeps ready for prompts like the last one. 0: none is started ahead.',
    minimum: 0,
    maximum: 64,
  }),
  maximum: whole(0, {
    description:
      'Processes that one backend may have at once. 0: one for each GiB of memory, at least 2 and at most 16.',
    minimum: 0,
    maximum: 1024,
  }),
  sessions_per_process: whole(16, {
    description: 'Conversations that share one process at most, where the agent can.',
    minimum: 1,
    maximum: 1024,
  }),
  keep_alive_secs: seconds('How long a process is kept that no conversation uses.', 600),
  max_turns: whole(500, {
    description: 'Prompts after which a process takes no new conversation. 0: no limit.',
    unit: 'turns',
    minimum: 0,
  }),
  max_age_secs: seconds('Age after which a process takes no new conversation. 0: no limit.', 14_400),
  process_memory_mb: whole(1024, {
    description: 'Memory in MiB after which a process takes no new conversation. 0: no limit.',
    minimum: 0,
  }),
  memory_mb: whole(0, {
    description:
      "Memory in MiB that all agents may take together; beyond it, those without work are ended and none is started ahead. 0: half of the machine's.",
    minimum: 0,
  }),
  max_running: whole(64, {
    description: 'Prompts that run at once, over all backends. More wait for their turn.',
    minimum: 1,
    maximum: 10_000,
  }),
  queue: whole(128, {
    description: 'Prompts that may wait, over all backends. More are refused with 429. 0: none waits.',
    minimum: 0,
    maximum: 100_000,
  }),
  queue_per_backend: whole(64, {
    description: 'Prompts that may wait for one backend. More are refused with 429. 0: none waits.',
    minimum: 0,
    maximum: 100_000,
  }),
})
