import type { LoadedConfig } from '../../config/load.ts'
import type { BackendInfo } from '../../engine/types.ts'
import { ClinvkError } from '../../errors.ts'
import { findModel } from '../../server/chat/model-names.ts'
import { serverUrl } from '../address.ts'
import { isOpen } from '../banner.ts'
import type { Target } from './types.ts'

/** What the user says of the server. */
export interface Wanted {
  readonly url: string | undefined
  readonly model: string | undefined
}

/** A target, and what there is to be said about it. */
export interface TargetFound {
  readonly target: Target
  readonly warnings: readonly string[]
}

/**
 * The server and the model that settings are for. A server that is named by its address may be another machine's: its
 * models are not ours to judge.
 *
 * @throws `invalid_request` for an address that is none; `model_not_found`, which names what exists.
 */
export function findTarget(
  { url, model }: Wanted,
  { config }: Pick<LoadedConfig, 'config'>,
  backends: readonly BackendInfo[],
  env: Readonly<Record<string, string | undefined>>,
): TargetFound {
  const { server, chat, default_backend: preferred } = config
  const address = url === undefined ? ownUrl(server) : readUrl(url)
  const hasKeys = env['CLINVK_API_KEYS'] !== undefined || server.api_keys_gopass_path !== undefined
  const needsKey = hasKeys || (url !== undefined && isOpen(new URL(address).hostname))
  const to = (name: string): Target => ({ url: address, model: name, needsKey })

  if (model !== undefined) {
    if (url === undefined) findModel(model, backends, chat.model_aliases)
    const unchecked = `The model is as you named it: ${address}/openai/v1/models lists those that there are.`
    return { target: to(model), warnings: url === undefined ? [] : [unchecked] }
  }
  const main = backends.find(({ name, ready }) => name === preferred && ready)
  const name = main?.name ?? backends.find(({ default: first }) => first)?.name
  if (name !== undefined) return { target: to(name), warnings: [] }
  const first = preferred ?? 'claude'
  return {
    target: to(first),
    warnings: [
      `No agent is ready, so ${first} stands here as an example: clinvk doctor says what is missing.`,
    ],
  }
}

function ownUrl(server: LoadedConfig['config']['server']): string {
  if (server.port !== 0) return serverUrl(server)
  throw new ClinvkError(
    'invalid_request',
    'server.port is 0, so the server has another port each time. Name it with --url http://127.0.0.1:PORT.',
  )
}

/** With whatever path people copy along. */
function readUrl(text: string): string {
  const trimmed = text.replace(/\/+$/, '').replace(/\/(?:openai|anthropic)(?:\/v1)?$/, '')
  if (URL.canParse(trimmed) && /^https?:\/\/[\w.:[\]%~/-]+$/.test(trimmed)) {
    const { username, password, search, hash } = new URL(trimmed)
    if (username === '' && password === '' && search === '' && hash === '') return trimmed.replace(/\/+$/, '')
  }
  throw new ClinvkError(
    'invalid_request',
    `--url ${JSON.stringify(text)} is no address of a server: it looks like http://127.0.0.1:8080.`,
  )
}
