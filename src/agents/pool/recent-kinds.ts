import type { Kind, PooledProcess } from './types.ts'

/** A kind of process that was asked for. */
export interface RecentKind<P extends PooledProcess> {
  readonly kind: Kind<P>
  /** Epoch ms of the last time. */
  readonly usedAt: number
}

/** The kinds of processes that were asked for last, which are worth a spare. */
export interface RecentKinds<P extends PooledProcess> {
  used(kind: Kind<P>): void
  /** Keeps no spares of a kind until it is asked for again. */
  forget(kind: Kind<P>): void
  /** Last one first. */
  list(): readonly RecentKind<P>[]
}

/** Kinds that keep spares. Each is a process that nobody may ever use. */
const MOST = 4

/** @param keepMs how long a kind is recent. */
export function createRecentKinds<P extends PooledProcess>(
  now: () => number,
  keepMs: number,
): RecentKinds<P> {
  let kinds: readonly RecentKind<P>[] = []
  return {
    used(kind) {
      if (kind.startAhead === false) return
      const others = kinds.filter((other) => other.kind.key !== kind.key)
      kinds = [{ kind, usedAt: now() }, ...others].slice(0, MOST)
    },
    forget(kind) {
      kinds = kinds.filter((other) => other.kind.key !== kind.key)
    },
    list() {
      const oldest = now() - keepMs
      kinds = kinds.filter(({ usedAt }) => usedAt > oldest)
      return kinds
    },
  }
}
