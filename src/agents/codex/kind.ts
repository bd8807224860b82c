import type { Kind } from '../pool/types.ts'
import type { BackendSettings } from '../types.ts'
import type { AppServer } from './app-server.ts'
import { launch, type ServerKind } from './launch.ts'
import { nativeCommand } from './launcher.ts'
import { startupFiles } from './startup-files.ts'
import type { Timing } from './timing.ts'

/** What a session asks for, as a kind of process for the pool. */
export async function toKind(
  settings: BackendSettings,
  { flags: asked, profile, passing, clientTools }: ServerKind,
  { startMs }: Timing,
): Promise<Kind<AppServer>> {
  const kind: ServerKind = {
    flags: [...settings.extraFlags, ...asked],
    profile,
    passing: passing && profile !== 'full',
    // A mere model call is one by itself already.
    clientTools: clientTools && profile !== 'pure',
  }
  const command = await nativeCommand(settings.command, settings.env)
  return {
    key: JSON.stringify(kind),
    start: (signal) => launch(settings, kind, { signal, startMs }),
    files: startupFiles(command, settings.env, kind.passing),
  }
}
