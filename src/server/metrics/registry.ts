import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { type Definition, METRICS, PREFIX } from './definitions.ts'

type Metrics = typeof METRICS
type Label<D extends Definition> = D['labels'][number]
type Instrument<D extends Definition> = D['type'] extends 'counter'
  ? Counter<Label<D>>
  : D['type'] extends 'gauge'
    ? Gauge<Label<D>>
    : Histogram<Label<D>>

/** Every metric, by its name without the prefix. */
export type Instruments = { readonly [N in keyof Metrics]: Instrument<Metrics[N]> }

/**
 * The metrics in a registry of their own: two servers in one process share none, and nothing samples in the background.
 * The library's metrics of the process itself are left out: they are made for Node.
 */
export function createRegistry(): { readonly registry: Registry; readonly instruments: Instruments } {
  const registry = new Registry()
  const made = Object.entries<Definition>(METRICS).map(([name, definition]) => [
    name,
    toInstrument(PREFIX + name, definition, registry),
  ])
  return { registry, instruments: Object.fromEntries(made) }
}

function toInstrument(name: string, { type, help, labels, buckets = [] }: Definition, registry: Registry) {
  const options = { name, help, labelNames: labels, registers: [registry] }
  if (type === 'counter') return new Counter(options)
  return type === 'gauge' ? new Gauge(options) : new Histogram({ ...options, buckets: [...buckets] })
}
