/**
 * The metrics of the brokers of a cluster behind, by their node ids there: metrics are for the operator, who knows them by these.
 * A broker that the cluster does not list any more has no series, so there are as many as there are brokers.
 */
import type { HistogramSnapshot } from '../histogram.ts'
import { histogram, labelled, type Family, type Labels, type Read } from './family.ts'
import type { BrokerState } from './sources.ts'

export const brokerFamilies: readonly Family[] = [
  histogram('upstream_request_duration_seconds', ['broker'],
    'Time from a request to a broker to its answer. Reads and joins that wait on purpose are among them: long is not slow.',
    from => each<HistogramSnapshot>(from, ({ stats }) => stats.latency)),
  labelled('upstream_requests_total', 'counter', ['broker'], 'Requests that were sent to a broker, those that want no answer too.',
    from => each(from, ({ stats }) => stats.requests)),
  labelled('upstream_in_flight', 'gauge', ['broker'], 'Requests that a broker has not answered yet.',
    from => each(from, ({ connections }) => Array.from(connections).reduce((sum, { inFlight }) => sum + inFlight, 0))),
  labelled('upstream_connections', 'gauge', ['broker'], 'Open connections to a broker.',
    from => each(from, ({ connections }) => Array.from(connections).length)),
  labelled('upstream_connects_total', 'counter', ['broker'], 'Connections to a broker that were made and let in.',
    from => each(from, ({ stats }) => stats.connects)),
  labelled('upstream_connect_failures_total', 'counter', ['broker'],
    'Connections to a broker that could not be made. Credentials that it refuses are not among them: the broker is well.',
    from => each(from, ({ stats }) => stats.connectFailures)),
  labelled('upstream_disconnects_total', 'counter', ['broker'], 'Connections to a broker that ended without us wanting it.',
    from => each(from, ({ stats }) => stats.disconnects)),
  labelled('upstream_bytes_total', 'counter', ['broker', 'direction'], 'Bytes received from a broker (in) and sent to it (out).', bytes),
  labelled('upstream_misdirected_total', 'counter', ['broker'],
    'Answers of a broker that it does not lead or coordinate what it was asked about: some whenever leaders move, and then none.',
    from => each(from, ({ stats }) => stats.misdirected))
]

function * each<V = number> ({ brokers }: Read, read: (broker: BrokerState) => V): Generator<readonly [Labels, V]> {
  for (const [broker, state] of brokers ?? []) yield [{ broker }, read(state)]
}

function * bytes ({ brokers }: Read): Generator<readonly [Labels, number]> {
  for (const [broker, { stats }] of brokers ?? []) {
    yield [{ broker, direction: 'in' }, stats.bytesIn]
    yield [{ broker, direction: 'out' }, stats.bytesOut]
  }
}
