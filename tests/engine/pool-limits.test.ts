import { describe, expect, test } from 'bun:test'
import { Value } from '@sinclair/typebox/value'
import { type Config, ConfigSchema } from '../../src/config/schema.ts'
import { memoryCeiling, toPoolLimits } from '../../src/engine/pool-limits.ts'

const GIB = 1024 ** 3

/** The defaults with some of `pool` set. */
function configOf(pool: Partial<Config['pool']> = {}): Config {
  const config = Value.Default(ConfigSchema, {}) as Config
  return { ...config, pool: { ...config.pool, ...pool } }
}

describe('the limits of a pool', () => {
  test.each([
    [1, 2],
    [7, 7],
    [64, 16],
  ])('are what suits a machine of %p GiB where nothing is said', (memory, maximum) => {
    expect(toPoolLimits(configOf(), memory * GIB)).toMatchObject({ enabled: true, minimum: 1, maximum })
    expect(memoryCeiling(configOf(), memory * GIB)).toBe((memory * GIB) / 2)
  })

  test('are those of the configuration, in ms and bytes', () => {
    const pool = { maximum: 3, keep_alive_secs: 5, max_age_secs: 7, process_memory_mb: 2, memory_mb: 4 }
    expect(toPoolLimits(configOf(pool), GIB)).toMatchObject({
      maximum: 3,
      keepAliveMs: 5000,
      maxAgeMs: 7000,
      processMemoryBytes: 2 * 1024 ** 2,
    })
    expect(memoryCeiling(configOf(pool), GIB)).toBe(4 * 1024 ** 2)
  })

  test('leave nothing to keep, share or start ahead where there is to be no pool', () => {
    expect(toPoolLimits(configOf({ enabled: false }), 8 * GIB)).toMatchObject({
      enabled: false,
      minimum: 0,
      sessionsPerProcess: 1,
      keepAliveMs: 0,
    })
  })
})
