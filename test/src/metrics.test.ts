import { createServer } from 'node:http'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { complete } from '../../protocol/defaults.ts'
import { Heartbeat } from '../../protocol/messages/12-heartbeat.ts'
import { JoinGroup } from '../../protocol/messages/11-join-group.ts'
import { anonymous, neverAborted, type Dispatch } from '../../protocol/rpc.ts'
import type { Api, Request } from '../../protocol/schema.ts'
import { createHttpStats } from '../../routes/door.ts'
import { KafkaStats } from '../../src/kafka/stats.ts'
import { families } from '../../src/metrics/families.ts'
import { PREFIX } from '../../src/metrics/family.ts'
import type { LogStats, Sources, TopicSize } from '../../src/metrics/sources.ts'
import { createMetrics, type Metrics } from '../../src/metrics.ts'
import { measure, RequestStats } from '../../src/policies/measure.ts'
import { version } from '../../src/version.ts'

function log (topics: readonly TopicSize[] = []): LogStats {
  return {
    appends: 7,
    appendedBytes: 700,
    syncFailures: 1,
    syncSeconds: { bounds: [0.001, 0.01], counts: [3, 1, 1], sum: 0.5 },
    truncatedBytes: 11,
    quarantinedBytes: 12,
    recoverySeconds: 1.5,
    topics: () => topics,
    tailBytes: 13,
    tailHits: 14,
    tailMisses: 15,
    groups: 16
  }
}

interface World {
  readonly sources: Sources
  readonly metrics: Metrics
  /** The samples of a scrape: `name{labels}` -> value. */
  scrape (): Promise<Map<string, number>>
}

function world (t: Test, changes: Partial<Sources> = {}): World {
  const sources: Sources = {
    requests: new RequestStats(),
    kafka: new KafkaStats(),
    http: createHttpStats(),
    log: log(),
    feeds: { size: 3 },
    engine: { state: 'ready' },
    draining: neverAborted,
    ...changes
  }
  const metrics = createMetrics(sources)
  t.teardown(() => metrics.stop())
  return {
    sources,
    metrics,
    scrape: async () => {
      const samples = new Map<string, number>()
      for (const line of (await metrics.text()).split('\n')) {
        if (line === '' || line.startsWith('#')) continue
        const at = line.lastIndexOf(' ')
        const name = line.slice(0, at)
        if (samples.has(name)) throw new Error(`${name} is there twice`)
        samples.set(name, Number(line.slice(at + 1)))
      }
      return samples
    }
  }
}

async function pass (sources: Sources, api: Api, errorCode: number): Promise<void> {
  const engine = (async () => complete(api.response, { errorCode } as never)) as unknown as Dispatch
  await measure(sources.requests)(engine)(api, {} as Request<Api>, {
    principal: anonymous, door: 'kafka', clientId: '', address: '', version: 4, signal: neverAborted, throttleMs: 0
  })
}

t.test('every family is in the text with its help and its type, beside those of the process', async t => {
  const { metrics } = world(t)
  const text = await metrics.text()
  for (const { name, help, type } of families) {
    t.match(text, `# HELP ${PREFIX}${name} ${help}\n# TYPE ${PREFIX}${name} ${type}\n`)
  }
  for (const name of ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'nodejs_heap_size_used_bytes', 'nodejs_gc_duration_seconds']) {
    t.match(text, `# TYPE ${name} `)
  }
  t.match(text, `barnabas_build_info{version="${version}",node="${process.versions.node}"} 1\n`)
})

t.test('names follow the conventions of Prometheus', async t => {
  t.equal(new Set(families.map(({ name }) => name)).size, families.length)
  for (const { name, type, help, labels } of families) {
    t.match(name, /^[a-z][a-z0-9_]*$/)
    t.equal(name.endsWith('_total'), type === 'counter', `${name} is a ${type}`)
    if (type === 'histogram') t.match(name, /_seconds$/)
    t.match(help, /^[^\n]+\.$|^[^\n]+: [^\n]+$/, name)
    for (const label of labels) t.match(label, /^[a-z]+$/)
  }
})

t.test('counters are read when they are asked for, and labels are those that are declared', async t => {
  const { sources, scrape } = world(t)
  const kafka = sources.kafka as KafkaStats
  kafka.connections = 2
  kafka.connectionsTotal = 5
  kafka.disconnects.idle = 3
  kafka.join('kcat', '1.7')
  const first = await scrape()
  t.equal(first.get('barnabas_kafka_connections'), 2)
  t.equal(first.get('barnabas_kafka_connections_total'), 5)
  t.equal(first.get('barnabas_kafka_disconnects_total{cause="idle"}'), 3)
  t.equal(first.get('barnabas_kafka_client_connections{software="kcat",version="1.7"}'), 1)
  t.equal(first.get('barnabas_log_appends_total'), 7)
  t.equal(first.get('barnabas_log_tail_reads_total{outcome="miss"}'), 15)
  t.equal(first.get('barnabas_feeds'), 3)
  kafka.connections = 0
  kafka.leave('kcat 1.7')
  const second = await scrape()
  t.equal(second.get('barnabas_kafka_connections'), 0)
  t.notOk(second.has('barnabas_kafka_client_connections{software="kcat",version="1.7"}'), 'what is gone is not shown')

  const declared = new Map(families.map(({ name, labels }) => [PREFIX + name, labels]))
  for (const sample of second.keys()) {
    const [, name, labels = ''] = /^(\w+?)(?:\{(.*)\})?$/.exec(sample)!
    const known = declared.get(name!) ?? declared.get(name!.replace(/_(?:bucket|sum|count)$/, ''))
    if (!name!.startsWith(PREFIX)) continue
    t.same(Array.from(labels.matchAll(/(\w+)="/g), match => match[1]).filter(label => label !== 'le').sort(), [...known!].sort(), sample)
  }
})

t.test('histograms are cumulative', async t => {
  const samples = await world(t).scrape()
  t.equal(samples.get('barnabas_log_fsync_seconds_bucket{le="0.001"}'), 3)
  t.equal(samples.get('barnabas_log_fsync_seconds_bucket{le="0.01"}'), 4)
  t.equal(samples.get('barnabas_log_fsync_seconds_bucket{le="+Inf"}'), 5)
  t.equal(samples.get('barnabas_log_fsync_seconds_count'), 5)
  t.equal(samples.get('barnabas_log_fsync_seconds_sum'), 0.5)
})

t.test('requests show by door, api and version, their errors by name, waiting apart from work', async t => {
  const { sources, scrape } = world(t)
  await pass(sources, Heartbeat, 27)
  await pass(sources, JoinGroup, 0)
  const samples = await scrape()
  t.equal(samples.get('barnabas_kafka_requests_total{door="kafka",api="Heartbeat",version="4"}'), 1)
  t.equal(samples.get('barnabas_kafka_errors_total{door="kafka",api="Heartbeat",error="REBALANCE_IN_PROGRESS"}'), 1)
  t.equal(samples.get('barnabas_kafka_request_duration_seconds_count{door="kafka",api="Heartbeat"}'), 1)
  t.equal(samples.get('barnabas_kafka_wait_duration_seconds_count{door="kafka",api="JoinGroup"}'), 1)
  t.notOk(samples.has('barnabas_kafka_request_duration_seconds_count{door="kafka",api="JoinGroup"}'))
  t.equal(samples.get('barnabas_records_total{door="kafka",direction="in"}'), 0)
})

t.test('readiness is that of the log, and ends when the process begins to stop', async t => {
  const draining = new AbortController()
  const engine: { state: Sources['engine']['state'] } = { state: 'recovering' }
  const { scrape } = world(t, { engine, draining: draining.signal })
  const before = await scrape()
  t.equal(before.get('barnabas_ready'), 0)
  t.equal(before.get('barnabas_log_state{state="recovering"}'), 1)
  engine.state = 'ready'
  const during = await scrape()
  t.equal(during.get('barnabas_ready'), 1)
  t.equal(during.get('barnabas_log_state{state="recovering"}'), 0)
  draining.abort()
  t.equal((await scrape()).get('barnabas_ready'), 0)
})

t.test('of many topics the largest are named and the rest are one', async t => {
  const topics = Array.from({ length: 1000 }, (_, i) => ({ topic: `t${i}`, partitions: 2, sizeBytes: i, segments: 3 }))
  const samples = await world(t, { log: log(topics) }).scrape()
  const named = [...samples.keys()].filter(name => name.startsWith('barnabas_log_bytes{'))
  t.equal(named.length, 201)
  t.equal(samples.get('barnabas_log_bytes{topic="t999"}'), 999)
  t.equal(samples.get('barnabas_log_partitions{topic="t800"}'), 2)
  t.equal(samples.get('barnabas_log_bytes{topic="other"}'), 799 * 800 / 2)
  t.equal(samples.get('barnabas_log_segments{topic="other"}'), 3 * 800)
})

t.test('a topic that is called "other" does not break the scrape', async t => {
  const topics = Array.from({ length: 201 }, (_, i) => ({ topic: i === 200 ? 'other' : `t${i}`, partitions: 1, sizeBytes: i, segments: 1 }))
  t.equal((await world(t, { log: log(topics) }).scrape()).get('barnabas_log_bytes{topic="other"}'), 200)
})

t.test('what a peer may choose cannot make series without end', async t => {
  const { sources, metrics, scrape } = world(t)
  const closes = sources.http.webSocket.closes as Map<number, number>
  for (let code = 1000; code < 5000; code++) closes.set(code, code)
  for (let i = 0; i < 1000; i++) metrics.observeHttp(`/route/${i}`, `METHOD${i}`, i, 0.001)
  const samples = [...(await scrape()).keys()]
  t.equal(samples.filter(name => name.startsWith('barnabas_ws_closes_total')).length, 51)
  t.ok(samples.filter(name => name.startsWith('barnabas_http_requests_total')).length <= 252 + 600)
  t.equal(samples.filter(name => name.startsWith('barnabas_http_request_duration_seconds_count')).length, 251)
  t.notOk(samples.some(name => name.includes('METHOD')))
})

t.test('HTTP requests show by route, method and status', async t => {
  const { metrics, scrape } = world(t)
  metrics.observeHttp('/topics/:topic', 'POST', 201, 0.002)
  metrics.observeHttp('/topics/:topic', 'POST', 201, 0.004)
  metrics.observeHttp('/topics/:topic', 'POST', 404, 0.001)
  metrics.observeHttp('/topics/:topic', 'BREW', 405, 0.001)
  const samples = await scrape()
  t.equal(samples.get('barnabas_http_requests_total{method="POST",route="/topics/:topic",status="201"}'), 2)
  t.equal(samples.get('barnabas_http_requests_total{method="POST",route="/topics/:topic",status="404"}'), 1)
  t.equal(samples.get('barnabas_http_requests_total{method="other",route="/topics/:topic",status="405"}'), 1)
  t.equal(samples.get('barnabas_http_request_duration_seconds_bucket{method="POST",route="/topics/:topic",le="0.0025"}'), 2)
  t.equal(samples.get('barnabas_http_request_duration_seconds_count{method="POST",route="/topics/:topic"}'), 3)
})

t.test('an event loop that is held up shows', async t => {
  const { scrape } = world(t)
  await sleep(150)
  const until = performance.now() + 300
  while (performance.now() < until);
  await sleep(150)
  const samples = await scrape()
  const total = samples.get('barnabas_event_loop_lag_seconds_count')!
  t.ok(total - samples.get('barnabas_event_loop_lag_seconds_bucket{le="0.1"}')! >= 1)
  t.ok(samples.get('barnabas_event_loop_active_seconds_total')! >= 0.3)
})

t.test('two instances in one process do not know of each other', async t => {
  const [a, b] = [world(t), world(t, { feeds: { size: 8 } })]
  t.equal((await a.scrape()).get('barnabas_feeds'), 3)
  t.equal((await b.scrape()).get('barnabas_feeds'), 8)
})

t.test('two scrapes at once are both whole', async t => {
  const { metrics } = world(t)
  const server = createServer((_, response) => { metrics.text().then(text => response.end(text), error => response.destroy(error as Error)) })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as { port: number }
  const texts = await Promise.all([1, 2, 3].map(async () => await (await fetch(`http://127.0.0.1:${port}/`)).text()))
  for (const text of texts) for (const { name } of families) t.match(text, `# TYPE ${PREFIX}${name} `)
})
