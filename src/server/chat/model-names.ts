import { DEMO_AGENT, DEMO_IS_OFF } from '../../agents/known.ts'
import { nearest } from '../../config/nearest.ts'
import type { BackendInfo } from '../../engine/types.ts'
import { ClinvkError } from '../../errors.ts'

/** What a model's name stands for. Without `model` it is the backend's own choice. */
export interface ModelTarget {
  readonly backend: string
  readonly model?: string
}

/** A name that can be chosen. */
export interface ListedModel extends ModelTarget {
  readonly id: string
}

/** Names of the operator's own, each for a backend, `backend/model` or a model's id. */
export type ModelAliases = Readonly<Record<string, string>>

/**
 * What a name stands for: an alias, a backend, `backend/model`, `backend:model`, a model that a backend lists, or
 * one whose family is known. Undefined where it is none of these.
 */
export function resolveModelName(
  name: string,
  backends: readonly BackendInfo[],
  aliases: ModelAliases = {},
): ModelTarget | undefined {
  const meant = Object.hasOwn(aliases, name) ? (aliases[name] ?? name) : name
  return (
    byBackend(meant, backends) ??
    byQualifiedName(meant, backends) ??
    byListing(meant, backends) ??
    byFamily(meant, backends)
  )
}

/**
 * The same, for a request.
 *
 * @throws `model_not_found`, which names what exists.
 */
export function requireModel(
  name: string,
  backends: readonly BackendInfo[],
  aliases: ModelAliases = {},
): ModelTarget {
  const target = resolveModelName(name, backends, aliases)
  if (target === undefined) throw modelNotFound(name, backends, aliases)
  return target
}

/** Every name to choose from: each backend that is ready, its models as `backend/model`, and the aliases of these. */
export function listModels(backends: readonly BackendInfo[], aliases: ModelAliases = {}): ListedModel[] {
  const usable = backends.filter(({ enabled, ready }) => enabled && ready)
  const own = usable.flatMap(({ name: backend, models }): ListedModel[] => [
    { id: backend, backend },
    ...models.map((model) => ({ id: `${backend}/${model}`, backend, model })),
  ])
  const named = Object.keys(aliases).flatMap((id): ListedModel[] => {
    const target = resolveModelName(id, backends, aliases)
    const isUsable = usable.some(({ name }) => name === target?.backend)
    return target && isUsable && !own.some((model) => model.id === id) ? [{ id, ...target }] : []
  })
  return [...own, ...named]
}

/**
 * One name, whether or not it is listed under exactly this spelling.
 *
 * @throws `model_not_found`
 */
export function findModel(
  name: string,
  backends: readonly BackendInfo[],
  aliases: ModelAliases = {},
): ListedModel {
  const listed = listModels(backends, aliases).find(({ id }) => id === name)
  if (listed) return listed
  const target = resolveModelName(name, backends, aliases)
  const backend = backends.find((info) => info.name === target?.backend)
  // Of models that a backend does not list, those count whose names are of a known kind.
  const isKnown =
    target?.model === undefined ||
    target.model === name ||
    backend?.models.length === 0 ||
    backend?.models.includes(target.model) ||
    backend?.modelAliases.includes(target.model) ||
    byFamily(target.model, backends)?.backend === target.backend
  if (!target || !backend?.enabled || !backend.ready || !isKnown) throw modelNotFound(name, backends, aliases)
  return { id: name, ...target }
}

function modelNotFound(name: string, backends: readonly BackendInfo[], aliases: ModelAliases): ClinvkError {
  const names = listModels(backends, aliases).map(({ id }) => id)
  const meant = nearest(name, names)
  const demo = name === DEMO_AGENT ? ` ${DEMO_IS_OFF}` : ''
  const hint = meant === undefined ? demo : ` Did you mean ${JSON.stringify(meant)}?`
  return new ClinvkError(
    'model_not_found',
    `There is no model ${JSON.stringify(shorten(name))}.${hint} ${existing(names)}`,
    { details: { param: 'model' } },
  )
}

/** An agent's or provider's own word that it has no such model, together with what there is. */
export function withExistingModels(
  error: ClinvkError,
  backends: readonly BackendInfo[],
  aliases: ModelAliases = {},
): ClinvkError {
  if (error.code !== 'model_not_found') return error
  const names = listModels(backends, aliases).map(({ id }) => id)
  return new ClinvkError('model_not_found', `${error.message.replace(/\.?$/, '.')} ${existing(names)}`, {
    status: 404,
    details: { ...error.details, param: 'model' },
    cause: error,
    ...(error.upstreamStatus === undefined ? {} : { upstreamStatus: error.upstreamStatus }),
  })
}

function existing(names: readonly string[]): string {
  const shown = names.slice(0, MOST_NAMES)
  const more = names.length > shown.length ? `, and ${names.length - shown.length} more` : ''
  return names.length === 0 ? 'No backend is ready.' : `There are: ${shown.join(', ')}${more}.`
}

const MOST_NAMES = 40

function byBackend(name: string, backends: readonly BackendInfo[]): ModelTarget | undefined {
  return backends.some((backend) => backend.name === name) ? { backend: name } : undefined
}

function byQualifiedName(name: string, backends: readonly BackendInfo[]): ModelTarget | undefined {
  const [, backend, model] = name.match(/^([^/:]+)[/:](.+)$/s) ?? []
  if (backend === undefined || model === undefined) return undefined
  if (!backends.some((info) => info.name === backend)) return undefined
  // The name of a backend is never a model of it.
  return model === backend ? { backend } : { backend, model }
}

function byListing(name: string, backends: readonly BackendInfo[]): ModelTarget | undefined {
  const found = best(backends.filter(({ models }) => models.includes(name)))
  return found && { backend: found.name, model: name }
}

/** Families with the backend that runs them: by its usual name, else by the protocol that only it speaks. */
const FAMILIES: readonly { pattern: RegExp; backend: string }[] = [
  { pattern: /^(gpt|chatgpt|codex|o\d)([-.]|$)/, backend: 'codex' },
  { pattern: /^(claude|sonnet|opus|haiku)([-.[]|$)/, backend: 'claude' },
  { pattern: /^gemini([-.]|$)/, backend: 'gemini' },
]

function byFamily(name: string, backends: readonly BackendInfo[]): ModelTarget | undefined {
  const family = FAMILIES.find(({ pattern }) => pattern.test(name))
  if (!family) return undefined
  const found = best(
    backends.filter((info) => info.name === family.backend || info.driver === family.backend),
    family.backend,
  )
  return found && { backend: found.name, model: name }
}

/** The one to take where several would do. */
function best(candidates: readonly BackendInfo[], preferred?: string): BackendInfo | undefined {
  const rank = (info: BackendInfo) =>
    (info.ready ? 8 : 0) +
    (info.available ? 4 : 0) +
    (info.default ? 2 : 0) +
    (info.name === preferred ? 1 : 0)
  return candidates.filter(({ enabled, demo }) => enabled && !demo).toSorted((a, b) => rank(b) - rank(a))[0]
}

function shorten(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}…` : text
}
