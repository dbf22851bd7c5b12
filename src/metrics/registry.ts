/**
 * The families as prom-client knows metrics, and the text of a scrape. Imported at the first scrape, not at the start:
 * loading it takes a tenth of a quick start.
 */
import { Counter, Gauge, Registry, collectDefaultMetrics, type Metric } from 'prom-client'
import { families } from './families.ts'
import { PREFIX, type Family, type HistogramFamily, type NumberFamily, type Read } from './family.ts'

export function createRegistry (from: Read): Registry {
  const registry = new Registry()
  for (const family of families) register(registry, family, from)
  collectDefaultMetrics({ register: registry })
  return registry
}

function register (registry: Registry, family: Family, from: Read): void {
  if (family.type === 'histogram') registry.registerMetric(histogram(family, from))
  else registerNumber(registry, family, from)
}

/** Read when asked: prom-client calls `collect` before each scrape. */
function registerNumber (registry: Registry, { name, type, help, labels, read }: NumberFamily, from: Read): void {
  const configuration = { name: PREFIX + name, help, labelNames: labels, registers: [registry] }
  const metric = type === 'gauge'
    ? new Gauge({ ...configuration, collect () { fill() } })
    : new Counter({ ...configuration, collect () { fill() } })
  const fill = (): void => {
    metric.reset()
    for (const [values, value] of read(from)) metric.inc(values, value)
  }
}

/**
 * prom-client's own Histogram can only be filled one observation at a time. The registry asks a metric for nothing but
 * its name and `get`, so that one which reads our counts is as good.
 */
function histogram ({ name, help, read }: HistogramFamily, from: Read): Metric {
  const fullName = PREFIX + name
  const get = async (): Promise<object> => {
    const values: object[] = []
    for (const [labels, { bounds, counts, sum }] of read(from)) {
      let count = 0
      for (let i = 0; i <= bounds.length; i++) {
        count += counts[i]!
        values.push({ metricName: `${fullName}_bucket`, labels: { ...labels, le: bounds[i] ?? '+Inf' }, value: count })
      }
      values.push({ metricName: `${fullName}_sum`, labels, value: sum }, { metricName: `${fullName}_count`, labels, value: count })
    }
    return { name: fullName, help, type: 'histogram', aggregator: 'sum', values }
  }
  return { name: fullName, help, type: 'histogram', aggregator: 'sum', get } as unknown as Metric
}
