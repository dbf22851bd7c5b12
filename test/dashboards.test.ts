/**
 * The dashboard and the alerts ask for metrics and labels that exist, every metric is shown somewhere, and every alert has
 * its place in docs/operations.md.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { collectDefaultMetrics, Registry } from 'prom-client'
import t from 'tap'
import { parse } from 'yaml'
import { families } from '../src/metrics/families.ts'
import { PREFIX, type Family } from '../src/metrics/family.ts'
import { readQuery } from './support/promql.ts'

const root = join(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly gridPos: { readonly x: number, readonly y: number, readonly w: number, readonly h: number }
  readonly targets?: ReadonlyArray<{ readonly expr: string, readonly legendFormat: string }>
}

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string, readonly runbook: string }
}

interface Dashboard {
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: ReadonlyArray<{ readonly query: string }> }
}

const dashboard = JSON.parse(read('dashboards/barnabas.json')) as Dashboard
const { groups } = parse(read('alerts/barnabas.yml')) as { readonly groups: ReadonlyArray<{ readonly rules: readonly Rule[] }> }
const rules = groups.flatMap(group => group.rules)
const queries = dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr, legendFormat }) => ({ title, expr, legendFormat })))

// ---- what there is

const ours = new Map<string, Family>(families.map(family => [PREFIX + family.name, family]))
const defaults = new Registry()
collectDefaultMetrics({ register: defaults })
const theirs = new Set(defaults.getMetricsAsArray().map(({ name }) => name))
/** Prometheus adds these to whatever it scrapes. */
const scraped = ['instance', 'job']

/** Why each of these is in no panel. */
const absent: Readonly<Record<string, string>> = {}

/** The labels of a metric, as it is exposed; null if there is none of that name. */
function labelsOf (metric: string): readonly string[] | null {
  const family = ours.get(metric)
  if (family !== undefined) return family.type === 'histogram' ? null : [...family.labels, ...scraped]
  const [, base, suffix] = /^(.*)(_bucket|_sum|_count)$/.exec(metric) ?? []
  const histogram = ours.get(base ?? '')
  if (histogram?.type === 'histogram') return [...histogram.labels, ...scraped, ...suffix === '_bucket' ? ['le'] : []]
  return theirs.has(metric) || metric === 'up' ? scraped : null
}

/** What is wrong with a query. */
function faultsOf (expr: string): string[] {
  const faults: string[] = []
  const { selectors, grouped, calls } = readQuery(expr)
  const known = new Set<string>()
  if (selectors.length === 0) faults.push('names no metric')
  for (const { metric, labels } of selectors) {
    const there = labelsOf(metric)
    if (there === null) faults.push(`there is no ${metric}`)
    for (const label of there ?? []) known.add(label)
    for (const label of labels) if (there?.includes(label) === false) faults.push(`${metric} has no label ${label}`)
  }
  for (const label of grouped) if (!known.has(label)) faults.push(`nothing here has a label ${label}`)
  for (const [name, metric] of calls) {
    if (metric === null || (name !== 'rate' && name !== 'increase')) continue
    const isCounter = /_(?:total|bucket|sum|count)$/.test(metric)
    if (!isCounter) faults.push(`${name} of ${metric}, which is no counter`)
    if (selectors.some(one => one.metric === metric && !one.isRange)) faults.push(`${name} of ${metric} without a time`)
  }
  return faults
}

t.test('what is asked for exists, in the dashboard and in the alerts', async t => {
  t.ok(queries.length > 60)
  t.ok(rules.length >= 12)
  for (const { title, expr } of [...queries, ...rules.map(({ alert, expr }) => ({ title: alert, expr }))]) t.same(faultsOf(expr), [], `${title}: ${expr}`)
})

t.test('a query that asks for what is not there is found', async t => {
  const wrong = [
    'barnabas_nothing', 'barnabas_ready{door="http"}', 'sum by (door) (barnabas_ready)', 'rate(barnabas_ready[5m])', 'rate(barnabas_records_total)',
    'barnabas_log_fsync_seconds', 'sum by (le) (rate(barnabas_log_fsync_seconds_sum[5m]))', '1 + 1'
  ]
  for (const expr of wrong) t.not(faultsOf(expr).length, 0, expr)
  for (const expr of ['sum(barnabas_ready', 'barnabas_ready)', 'barnabas_ready{door}', 'nothing(barnabas_ready)', 'barnabas_ready[5x]', 'a # b', '[5m]']) {
    t.throws(() => readQuery(expr), expr)
  }
})

t.test('legends and summaries name labels that the query leaves', async t => {
  for (const { title, expr, legendFormat } of queries) {
    const { grouped, selectors } = readQuery(expr)
    const left = grouped.length > 0 ? grouped : selectors.flatMap(({ metric }) => labelsOf(metric) ?? [])
    for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) t.ok(left.includes(label!), `${title}: ${label}`)
  }
  for (const { alert, expr, annotations } of rules) {
    const { grouped, selectors } = readQuery(expr)
    const left = grouped.length > 0 ? grouped : selectors.flatMap(({ metric }) => labelsOf(metric) ?? [])
    for (const [, label] of annotations.summary.matchAll(/\{\{ \$labels\.(\w+) \}\}/g)) t.ok(left.includes(label!), `${alert}: ${label}`)
  }
})

t.test('every metric of ours is in a panel, or there is a reason why not', async t => {
  const shown = new Set(queries.flatMap(({ expr }) => readQuery(expr).selectors.map(({ metric }) => metric.replace(/_(?:bucket|sum|count)$/, ''))))
  for (const name of ours.keys()) t.equal(shown.has(name), absent[name] === undefined, name)
  for (const name of Object.keys(absent)) t.ok(ours.has(name), name)
})

t.test('the dashboard can be imported: panels have ids of their own and do not overlap', async t => {
  const { panels } = dashboard
  t.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
  const places = new Set<string>()
  for (const { title, gridPos: { x, y, w, h } } of panels) {
    t.ok(x + w <= 24, title)
    for (let column = x; column < x + w; column++) {
      for (let row = y; row < y + h; row++) {
        const place = `${column} ${row}`
        if (places.has(place)) t.fail(`${title} lies over another`)
        places.add(place)
      }
    }
  }
  t.same(panels.filter(({ type }) => type === 'row').map(({ title }) => title),
    ['Overview', 'Doors', 'Log', 'Security', 'Quotas', 'Validation', 'The cluster behind'])
  for (const { query } of dashboard.templating.list) t.match(query, /^prometheus$|^label_values\(barnabas_build_info, instance\)$/)
})

t.test('every alert says how bad it is, and what to do stands in docs/operations.md', async t => {
  const page = read('docs/operations.md')
  const anchors = new Set(Array.from(page.matchAll(/^#+ (.*)$/gm), ([, heading]) => heading!.toLowerCase().replace(/[^\w\- ]/g, '').replaceAll(' ', '-')))
  t.equal(new Set(rules.map(({ alert }) => alert)).size, rules.length)
  for (const { alert, labels, annotations } of rules) {
    t.match(alert, /^Barnabas[A-Z]/)
    t.match(labels.severity, /^(?:critical|warning|info)$/)
    const [file, anchor] = annotations.runbook.split('#')
    t.equal(file, 'docs/operations.md')
    t.ok(anchors.has(anchor!), `${alert}: ${anchor}`)
    t.match(page, `\`${alert}\``)
  }
})
