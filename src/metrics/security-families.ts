/**
 * The metrics of identity, permissions, quotas and limits. Their labels are names of ours, but for the entities of quotas,
 * which an administrator names: of these the 20 that are nearest to their limit are shown.
 */
import type { Refusal } from '../access/connections.ts'
import type { QuotaEntity } from '../access/model.ts'
import { entriesOf, histogram, labelled, type Family, type Labels, type NumberFamily, type Read } from './family.ts'
import { connectionLimits } from './security-stats.ts'
import type { SecuritySources } from './sources.ts'

const MAX_ENTITIES = 20

/** Nothing, where the source of a value is left out. */
function from<K extends keyof SecuritySources> (
  key: K, read: (source: NonNullable<SecuritySources[K]>) => ReturnType<NumberFamily['read']>
): NumberFamily['read'] {
  return ({ security }) => {
    const source = security?.[key]
    return source === undefined || source === null ? [] : read(source)
  }
}

const value = (number: number): Array<readonly [Labels, number]> => [[{}, number]]

export const securityFamilies: readonly Family[] = [
  labelled('kafka_auth_total', 'counter', ['mechanism', 'outcome'],
    'Logins of Kafka clients, by SASL mechanism or TLS for a certificate: success, failure, and renewed or renewal_failed for sessions that go on.',
    ({ kafka }) => Object.entries(kafka.authentications).flatMap(([mechanism, outcomes]) =>
      Object.entries(outcomes).map(([outcome, count]) => [{ mechanism, outcome }, count] as const))),
  labelled('http_auth_total', 'counter', ['method', 'outcome'],
    'Credentials that were checked over HTTP and WebSocket. Those that were right a moment ago are not checked again.',
    from('counters', counters => Array.from(counters.httpLogins(), ([method, outcome, count]) => [{ method, outcome }, count] as const))),
  labelled('denials_total', 'counter', ['operation', 'resource'], 'What was not permitted, by the operation that was missing and the type of the resource.',
    from('counters', counters => Array.from(counters.denials(), ([operation, resource, count]) => [{ operation, resource }, count] as const))),
  labelled('users', 'gauge', [], 'Users with a password.', from('access', access => value(count(access.users())))),
  labelled('acls', 'gauge', [], 'Rules that say who may do what.', from('access', ({ acls }) => value(acls.size))),
  labelled('quotas', 'gauge', [], 'Users, clients and addresses that have a quota.', from('access', ({ quotas }) => value(count(quotas)))),
  histogram('quota_throttle_seconds', ['quota', 'door'], 'How long somebody was held back each time, by the quota that was used up.',
    ({ security }) => Array.from(security?.quotas?.throttled() ?? [], ([quota, door, seconds]) => [{ quota, door }, seconds] as const)),
  labelled('quota_throttled_total', 'counter', ['quota', 'door'], 'How often somebody was held back.',
    from('quotas', quotas => Array.from(quotas.throttled(), ([quota, door, { counts }]) => [{ quota, door }, sum(counts)] as const))),
  labelled('quota_usage_ratio', 'gauge', ['quota', 'entity'], 'How much of a quota is used: 1 is all of it. The 20 that use the most of theirs.', usage),
  labelled('connections', 'gauge', [], 'Open connections at every door together.', from('connections', ({ open }) => value(open))),
  labelled('limit_hits_total', 'counter', ['limit'], 'Times that a limit kept somebody from something.', limitHits),
  labelled('memory_in_flight_bytes', 'gauge', [], 'Memory that requests hold which are being read or answered.',
    from('memory', ({ reservedBytes }) => value(reservedBytes))),
  labelled('memory_in_flight_waiting', 'gauge', [], 'Requests that wait in their sockets for such memory.', from('memory', ({ waiting }) => value(waiting))),
  labelled('tls_expiry_timestamp_seconds', 'gauge', ['file'],
    'When the first certificate in the file runs out, in seconds since 1970: cert is that of this server, ca that of the authorities of clients.',
    from('tls', ({ files }) => entriesOf('file', Array.from(files, ({ file, expiresAtMs }) => [file, expiresAtMs / 1000])))),
  labelled('jwks_keys', 'gauge', [], 'Keys that tokens are checked by.', from('jwks', ({ state }) => value(state.keys))),
  labelled('jwks_fetches_total', 'counter', ['outcome'], 'Times that these keys were fetched.',
    from('jwks', ({ state: { fetches, failures } }) => entriesOf('outcome', [['success', fetches - failures], ['failure', failures]]))),
  labelled('jwks_fetch_timestamp_seconds', 'gauge', [], 'When they were last fetched, in seconds since 1970.',
    from('jwks', ({ state: { lastFetchMs } }) => lastFetchMs === null ? [] : value(lastFetchMs / 1000))),
  labelled('audit_events_total', 'counter', ['event'], 'Logins, denials, changes and limits that the audit was told of.',
    from('audit', ({ stats }) => entriesOf('event', Object.entries(stats.events)))),
  labelled('audit_dropped_total', 'counter', ['sink'], 'Lines of the audit that are missing in its file or its topic.',
    from('audit', ({ stats }) => entriesOf('sink', Object.entries(stats.dropped))))
]

function * limitHits ({ security }: Read): Generator<readonly [Labels, number]> {
  const { connections, memory, counters } = security ?? {}
  for (const [cause, count] of Object.entries(connections?.refused ?? {})) yield [{ limit: connectionLimits[cause as Refusal] ?? cause }, count]
  if (memory !== undefined) yield [{ limit: 'memory_in_flight' }, memory.waitedTotal]
  for (const [limit, count] of counters?.limits() ?? []) yield [{ limit }, count]
}

function usage ({ security }: Read): Array<readonly [Labels, number]> {
  const all = Array.from(security?.quotas?.usage() ?? [], ({ quota, entity, ratio }) => [{ quota, entity: nameOf(entity) }, ratio] as const)
  return all.sort(([, a], [, b]) => b - a).slice(0, MAX_ENTITIES)
}

/** `user=alice,client-id=<default>`, as Kafka writes it. */
const nameOf = (entity: QuotaEntity): string => Object.entries(entity).map(([type, name]) => `${type}=${(name as string | null) ?? '<default>'}`).join(',')

const sum = (counts: ArrayLike<number>): number => Array.from(counts).reduce((total, count) => total + count, 0)

const count = (items: Iterable<unknown>): number => Array.from(items).length
