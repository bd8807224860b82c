import { readFile, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { findProgram } from '../../process/child.ts'
import { describeEnd } from '../command.ts'
import { fields, word } from '../fields.ts'
import type { BackendSettings, Probe } from '../types.ts'
import type { AcpProfile } from './profile.ts'

/** What processes told that have run already. */
export interface Told {
  readonly version: string | undefined
  readonly models: readonly string[]
}

/**
 * Says what can be said without starting the agent, which takes seconds and much memory: where its program is, the
 * version in its package, whether it has a login. A running process knows better.
 */
export async function probeAcp(settings: BackendSettings, profile: AcpProfile, told: Told): Promise<Probe> {
  const { command, env, installHint } = settings
  const models = settings.models.length > 0 ? settings.models : told.models
  const program = findProgram(command[0] ?? '', env)
  if (program === undefined)
    return {
      available: false,
      ready: false,
      reason: installHint ?? describeEnd.notFound(command[0] ?? ''),
      models,
    }
  const [packaged, ready] = await Promise.all([
    profile.packaged ? packageVersion(program) : undefined,
    profile.isLoggedIn?.(env) ?? true,
  ])
  const version = told.version ?? packaged
  return {
    available: true,
    ready,
    models,
    ...(version === undefined ? {} : { version }),
    ...(ready ? {} : { reason: `Not logged in. ${profile.loginHint}` }),
  }
}

/** The version in the nearest `package.json` above a program, links resolved. */
async function packageVersion(program: string): Promise<string | undefined> {
  const path = await realpath(program).catch(() => program)
  for (let folder = dirname(path), depth = 0; depth < 4; folder = dirname(folder), depth += 1) {
    const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => undefined)
    if (text === undefined) continue
    try {
      return word(fields(JSON.parse(text))['version'])
    } catch {
      return undefined
    }
  }
  return undefined
}
