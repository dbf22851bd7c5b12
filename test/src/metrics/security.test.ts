import t from 'tap'
import { Histogram } from '../../../src/histogram.ts'
import { KafkaStats } from '../../../src/kafka/stats.ts'
import type { Labels, Read } from '../../../src/metrics/family.ts'
import { securityFamilies } from '../../../src/metrics/security-families.ts'
import { SecurityStats } from '../../../src/metrics/security-stats.ts'
import type { QuotaSource, SecuritySources } from '../../../src/metrics/sources.ts'

/** `{label="value"}` -> value, of one family. */
function read (name: string, security: SecuritySources | undefined, kafka = new KafkaStats()): Record<string, number> {
  const family = securityFamilies.find(one => one.name === name)!
  const from = { kafka, ...security === undefined ? {} : { security } } as unknown as Read
  const values = family.read(from) as Iterable<readonly [Labels, unknown]>
  return Object.fromEntries(Array.from(values, ([labels, value]) => {
    t.same(Object.keys(labels).sort(), [...family.labels].sort())
    return [Object.values(labels).join(' '), typeof value === 'number' ? value : (value as Histogram).sum]
  }))
}

const quotas: QuotaSource = {
  throttled: () => {
    const seconds = new Histogram([1, 10])
    for (const value of [0.5, 2, 20]) seconds.observe(value)
    return [['producer_byte_rate', 'kafka', seconds]]
  },
  usage: () => [
    ...Array.from({ length: 100 }, (_, i) => ({ quota: 'consumer_byte_rate' as const, entity: { user: `u${i}`, 'client-id': null }, ratio: i / 100 })),
    { quota: 'producer_byte_rate', entity: { ip: '10.0.0.1' }, ratio: 1.5 }
  ]
}

t.test('what is left out has no series, and no family fails for it', async t => {
  for (const { name, type } of securityFamilies) {
    if (name === 'kafka_auth_total') continue
    t.same(read(name, undefined), {}, `${name} (${type})`)
    t.same(read(name, {}), {}, name)
  }
})

t.test('logins of Kafka clients by mechanism and outcome', async t => {
  const kafka = new KafkaStats()
  kafka.authenticated('SCRAM-SHA-256', 'success')
  kafka.authenticated('PLAIN', 'failure')
  kafka.authenticated(null, 'failure')
  t.match(read('kafka_auth_total', undefined, kafka), { 'SCRAM-SHA-256 success': 1, 'PLAIN failure': 1, 'other failure': 1, 'TLS success': 0 })
})

t.test('logins over HTTP, denials and limits, with labels that no stranger chooses', async t => {
  const counters = new SecurityStats()
  counters.authenticated({ method: 'BASIC', outcome: 'success', door: 'http' })
  counters.authenticated({ method: 'BEARER', outcome: 'failure' })
  counters.authenticated({ method: 'TLS', outcome: 'success', door: 'http' })
  counters.authenticated({ method: 'nonsense', outcome: 'failure', door: 'ws' })
  counters.authenticated({ method: 'PLAIN', outcome: 'success', door: 'SASL_SSL' })
  counters.authenticated({ method: 'SCRAM-SHA-256', outcome: 'success' })
  t.same(read('http_auth_total', { counters }), { 'basic success': 1, 'bearer failure': 1, 'tls success': 1, 'other failure': 1 })
  counters.denied({ operation: 'WRITE', resourceType: 'TOPIC' })
  counters.denied({ operation: 'WRITE', resourceType: 'TOPIC' })
  counters.denied({ operation: 'x'.repeat(9), resourceType: 'constructor' })
  t.same(read('denials_total', { counters }), { 'WRITE TOPIC': 2, 'other other': 1 })
  counters.limited('subscriptions')
  t.same(read('limit_hits_total', {
    counters,
    connections: { open: 3, refused: { too_many: 1, too_many_per_address: 2, too_fast: 3, too_many_per_principal: 4 } },
    memory: { reservedBytes: 5, waiting: 6, waitedTotal: 7 }
  }), {
    connections: 1, connections_per_address: 2, connection_rate: 3, connections_per_principal: 4, memory_in_flight: 7, subscriptions: 1
  })
})

t.test('quotas: how often, how long, and the 20 that are nearest to their limit', async t => {
  t.same(read('quota_throttled_total', { quotas }), { 'producer_byte_rate kafka': 3 })
  t.same(read('quota_throttle_seconds', { quotas }), { 'producer_byte_rate kafka': 22.5 })
  const usage = read('quota_usage_ratio', { quotas })
  t.equal(Object.keys(usage).length, 20)
  t.equal(usage['producer_byte_rate ip=10.0.0.1'], 1.5)
  t.equal(usage['consumer_byte_rate user=u99,client-id=<default>'], 0.99)
  t.notHas(usage, { 'consumer_byte_rate user=u0,client-id=<default>': 0 })
})

t.test('connections, memory, certificates, keys, the audit and what is known of access', async t => {
  const security: SecuritySources = {
    connections: { open: 3, refused: {} },
    memory: { reservedBytes: 5, waiting: 6, waitedTotal: 7 },
    tls: { files: [{ file: 'cert', expiresAtMs: 2000 }, { file: 'ca', expiresAtMs: 3000 }] },
    jwks: { state: { lastFetchMs: 4000, fetches: 5, failures: 2, keys: 1 } },
    audit: { stats: { events: { login: 9 }, dropped: { file: 1, topic: 0 } } },
    access: { acls: { size: 4 }, quotas: [1, 2], users: () => [1, 2, 3] }
  }
  const expected = {
    connections: { '': 3 },
    memory_in_flight_bytes: { '': 5 },
    memory_in_flight_waiting: { '': 6 },
    tls_expiry_timestamp_seconds: { cert: 2, ca: 3 },
    jwks_keys: { '': 1 },
    jwks_fetches_total: { success: 3, failure: 2 },
    jwks_fetch_timestamp_seconds: { '': 4 },
    audit_events_total: { login: 9 },
    audit_dropped_total: { file: 1, topic: 0 },
    acls: { '': 4 },
    users: { '': 3 },
    quotas: { '': 2 }
  }
  for (const [name, values] of Object.entries(expected)) t.same(read(name, security), values, name)
  t.same(read('jwks_fetch_timestamp_seconds', { jwks: { state: { lastFetchMs: null, fetches: 1, failures: 1, keys: 0 } } }), {})
})
