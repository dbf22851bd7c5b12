import t from 'tap'
import { brokerFamilies } from '../../../src/metrics/broker-families.ts'
import { families } from '../../../src/metrics/families.ts'
import type { Read } from '../../../src/metrics/family.ts'
import type { BrokerSource } from '../../../src/metrics/sources.ts'
import { BrokerStats } from '../../../storage/cluster/stats.ts'

const read = (name: string, from: Partial<Read>): unknown[] =>
  Array.from(families.find(family => family.name === name)!.read(from as Read) as Iterable<unknown>)

t.test('each broker that the cluster lists, by its id there', async t => {
  const [one, two] = [new BrokerStats(), new BrokerStats()]
  Object.assign(one, { connects: 1, connectFailures: 2, disconnects: 3, requests: 4, bytesIn: 5, bytesOut: 6, misdirected: 7 })
  one.answered(2)
  const brokers: BrokerSource = new Map([
    [71, { stats: one, connections: new Set([{ inFlight: 2 }, { inFlight: 1 }]) }],
    [72, { stats: two, connections: new Set<{ inFlight: number }>() }]
  ])
  const valueOf = (name: string): unknown[] => read(name, { brokers })
  t.same(valueOf('upstream_requests_total'), [[{ broker: 71 }, 4], [{ broker: 72 }, 0]])
  t.same(valueOf('upstream_in_flight'), [[{ broker: 71 }, 3], [{ broker: 72 }, 0]])
  t.same(valueOf('upstream_connections'), [[{ broker: 71 }, 2], [{ broker: 72 }, 0]])
  t.match(valueOf('upstream_connects_total'), [[{ broker: 71 }, 1]])
  t.match(valueOf('upstream_connect_failures_total'), [[{ broker: 71 }, 2]])
  t.match(valueOf('upstream_disconnects_total'), [[{ broker: 71 }, 3]])
  t.match(valueOf('upstream_bytes_total'), [[{ broker: 71, direction: 'in' }, 5], [{ broker: 71, direction: 'out' }, 6]])
  t.match(valueOf('upstream_misdirected_total'), [[{ broker: 71 }, 7]])
  t.match(valueOf('upstream_request_duration_seconds'), [[{ broker: 71 }, { sum: 0.002 }], [{ broker: 72 }, { sum: 0 }]])
})

t.test('nothing where the log is embedded', async t => {
  for (const { name } of [...brokerFamilies, { name: 'upstream_breaking_requests_total' }]) t.same(read(name, {}), [], name)
})

t.test('what an upgrade would break', async t => {
  const breaking = { requests: () => [['kafka-go 0.4.47', 'JoinGroup', 3] as const] }
  t.same(read('upstream_breaking_requests_total', { breaking }), [[{ software: 'kafka-go 0.4.47', api: 'JoinGroup' }, 3]])
})
