/**
 * Every metric of ours, one row each: name, help, labels and where it is read from. docs/operations.md lists the same
 * rows, and a test holds it to them.
 *
 * Labels are bounded: doors, apis, error names and routes are ours to count; topics, close codes and client names are
 * cut to the largest, and the rest is one series called "other".
 */
import { errorRow } from '../../protocol/errors.ts'
import type { Door } from '../../protocol/rpc.ts'
import type { HistogramSnapshot } from '../histogram.ts'
import type { ApiStats, Traffic } from '../policies/measure.ts'
import { entriesOf, histogram, labelled, largest, one, OTHER, single, type Family, type Labels, type Read } from './family.ts'
import { brokerFamilies } from './broker-families.ts'
import { securityFamilies } from './security-families.ts'
import { validationFamilies } from './validation-families.ts'
import type { TopicSize } from './sources.ts'

const MAX_TOPICS = 200
const MAX_CLOSE_CODES = 50

const engineStates = ['closed', 'recovering', 'ready', 'failed'] as const

export const families: readonly Family[] = [
  labelled('build_info', 'gauge', ['version', 'node'], 'Always 1; the labels say what runs.',
    ({ version }) => [[{ version, node: process.versions.node }, 1]]),
  single('ready', 'gauge', '1 while the log is open and the process is not stopping: what /readyz says.',
    ({ engine, draining }) => engine.state === 'ready' && !draining.aborted ? 1 : 0),
  labelled('log_state', 'gauge', ['state'], '1 for the state that the log is in: closed, recovering, ready or failed.',
    ({ engine }) => engineStates.map(state => [{ state }, state === engine.state ? 1 : 0])),

  // ---- what passes every door

  labelled('kafka_requests_total', 'counter', ['door', 'api', 'version'],
    'Requests by the door they came in at, whatever it speaks, and by the Kafka api and version they became.', eachVersion),
  labelled('kafka_errors_total', 'counter', ['door', 'api', 'error'],
    'Errors in answers, by Kafka\'s name: one for each topic, partition or group that failed, or one for the whole request.',
    from => eachApi(from, ({ errors }) => entriesOf('error', Array.from(errors, ([code, count]) => [errorRow(code).name, count])))),
  labelled('kafka_abandoned_total', 'counter', ['door', 'api'], 'Requests whose caller left before the answer.',
    from => eachApi(from, ({ abandoned }) => one(abandoned))),
  histogram('kafka_request_duration_seconds', ['door', 'api'],
    'Time in the engine, without reading the request from the network and writing the answer. Produce includes the wait for the disk.',
    ({ requests }) => seconds(requests.apis(), false)),
  histogram('kafka_wait_duration_seconds', ['door', 'api'],
    'The same for Fetch, JoinGroup and SyncGroup, which are held until there is something to answer: long is not slow.',
    ({ requests }) => seconds(requests.apis(), true)),
  labelled('records_total', 'counter', ['door', 'direction'], 'Records written (in) and read (out).',
    from => eachDoor(from, ({ recordsIn, recordsOut }) => [recordsIn, recordsOut])),
  labelled('bytes_total', 'counter', ['door', 'direction'], 'Bytes of record batches written (in) and read (out), as they are stored.',
    from => eachDoor(from, ({ bytesIn, bytesOut }) => [bytesIn, bytesOut])),

  // ---- the native door

  single('kafka_connections', 'gauge', 'Open connections of Kafka clients.', ({ kafka }) => kafka.connections),
  single('kafka_connections_total', 'counter', 'Connections of Kafka clients that were accepted.', ({ kafka }) => kafka.connectionsTotal),
  labelled('kafka_disconnects_total', 'counter', ['cause'], 'Connections of Kafka clients that ended, by cause.',
    ({ kafka }) => entriesOf('cause', Object.entries(kafka.disconnects))),
  labelled('kafka_network_bytes_total', 'counter', ['direction'], 'Bytes read from Kafka clients (in) and written to them (out).',
    ({ kafka }) => entriesOf('direction', [['in', kafka.bytesIn], ['out', kafka.bytesOut]])),
  labelled('kafka_client_connections', 'gauge', ['software', 'version'], 'Open connections by the software that the client says it is, and its version.',
    ({ kafka }) => Array.from(kafka.clients.values(), ({ software, version, open }) => [{ software, version }, open] as const)),

  labelled('kafka_listener_connections', 'gauge', ['listener'], 'The same by the listener that they came in at.',
    ({ kafka }) => entriesOf('listener', Array.from(kafka.listeners, ([name, { open }]) => [name, open]))),
  labelled('kafka_fetch_sessions', 'gauge', [],
    'Fetch sessions of Kafka clients (KIP-227). Those of clients that left without a word stay until their room is wanted.',
    ({ fetchSessions }) => fetchSessions === undefined ? [] : one(fetchSessions.open)),
  labelled('kafka_fetch_session_partitions', 'gauge', [], 'Partitions in all fetch sessions together.',
    ({ fetchSessions }) => fetchSessions === undefined ? [] : one(fetchSessions.partitions)),
  labelled('kafka_fetch_sessions_evicted_total', 'counter', [], 'Fetch sessions that had to make room for others, or found no room to grow.',
    ({ fetchSessions }) => fetchSessions === undefined ? [] : one(fetchSessions.evicted)),

  // ---- HTTP, streams and WebSocket

  labelled('http_requests_total', 'counter', ['method', 'route', 'status'], 'HTTP requests that were answered.',
    ({ times }) => Array.from(times.routes(), ({ method, route, statuses }) =>
      Array.from(statuses, ([status, count]) => [{ method, route, status }, count] as const)).flat()),
  histogram('http_request_duration_seconds', ['method', 'route'],
    'Time from an HTTP request to the end of its answer. Streams count for as long as they were open.',
    ({ times }) => Array.from(times.routes(), ({ method, route, seconds }) => [{ method, route }, seconds])),
  labelled('http_streams', 'gauge', ['kind'], 'Open streams over HTTP.', ({ http }) => entriesOf('kind', Object.entries(http.streams))),
  single('ws_sessions', 'gauge', 'Open WebSocket sessions.', ({ http }) => http.webSocket.sessions),
  single('ws_sessions_total', 'counter', 'WebSocket sessions that were opened.', ({ http }) => http.webSocket.sessionsTotal),
  single('ws_subscriptions', 'gauge', 'Subscriptions in open WebSocket sessions.', ({ http }) => http.webSocket.subscriptions),
  labelled('ws_frames_total', 'counter', ['direction'], 'WebSocket frames received (in) and sent (out).',
    ({ http }) => entriesOf('direction', [['in', http.webSocket.framesIn], ['out', http.webSocket.framesOut]])),
  single('ws_sent_bytes_total', 'counter', 'Bytes sent in WebSocket frames.', ({ http }) => http.webSocket.bytesOut),
  single('ws_sent_records_total', 'counter', 'Records sent to WebSocket subscribers.', ({ http }) => http.webSocket.recordsOut),
  single('ws_gaps_total', 'counter', 'Times that a subscriber was told that records it asked for are gone.', ({ http }) => http.webSocket.gaps),
  single('ws_credit_stalls_total', 'counter', 'Times that a subscription stood still because its credit was used up.',
    ({ http }) => http.webSocket.creditStalls),
  labelled('ws_closes_total', 'counter', ['code'], 'WebSocket sessions that ended, by close code (RFC 6455).',
    ({ http }) => entriesOf('code', largest(http.webSocket.closes, MAX_CLOSE_CODES))),
  single('feeds', 'gauge', 'Partitions that are followed for HTTP and WebSocket readers.', ({ feeds }) => feeds.size),

  // ---- who, what and how much

  ...securityFamilies,
  ...validationFamilies,

  // ---- the cluster behind

  ...brokerFamilies,
  labelled('upstream_breaking_requests_total', 'counter', ['software', 'api'],
    'Requests of Kafka clients in versions that the release of --upstream-planned does not serve, by the software that the client says it is.',
    ({ breaking }) => Array.from(breaking?.requests() ?? [], ([software, api, count]) => [{ software, api }, count] as const)),

  // ---- the log

  single('log_appends_total', 'counter', 'Record batches appended.', ({ log }) => log.appends),
  single('log_appended_bytes_total', 'counter', 'Bytes appended.', ({ log }) => log.appendedBytes),
  histogram('log_fsync_seconds', [], 'Time of each fdatasync.', ({ log }) => one(log.syncSeconds)),
  single('log_fsync_failures_total', 'counter', 'fdatasyncs that failed: the disk is not to be trusted any more.', ({ log }) => log.syncFailures),
  labelled('log_bytes', 'gauge', ['topic'], 'Size of the files of a topic. The 200 largest topics by name, the rest as "other".',
    from => eachTopic(from, ({ sizeBytes }) => sizeBytes)),
  labelled('log_segments', 'gauge', ['topic'], 'Segments of a topic.', from => eachTopic(from, ({ segments }) => segments)),
  labelled('log_partitions', 'gauge', ['topic'], 'Partitions of a topic.', from => eachTopic(from, ({ partitions }) => partitions)),
  single('log_tail_bytes', 'gauge', 'Newest records that are held in memory.', ({ log }) => log.tailBytes),
  labelled('log_tail_reads_total', 'counter', ['outcome'], 'Reads that were served from memory (hit) and from a file (miss).',
    ({ log }) => entriesOf('outcome', [['hit', log.tailHits], ['miss', log.tailMisses]])),
  single('log_recovery_seconds', 'gauge', 'How long recovery took at the start.', ({ log }) => log.recoverySeconds),
  single('log_truncated_bytes_total', 'counter', 'Bytes of unfinished writes that recovery cut off.', ({ log }) => log.truncatedBytes),
  single('log_quarantined_bytes_total', 'counter', 'Damaged bytes that recovery set aside.', ({ log }) => log.quarantinedBytes),
  single('groups', 'gauge', 'Consumer groups.', ({ log }) => log.groups),

  // ---- the process

  histogram('event_loop_lag_seconds', [], 'How late a timer fires: what everything else waits for as well.', ({ eventLoop }) => one(eventLoop.lagSeconds)),
  single('event_loop_active_seconds_total', 'counter', 'Time that the event loop was at work: its rate is the share of one core that is used.',
    ({ eventLoop }) => eventLoop.activeSeconds)
]

function * eachApi ({ requests }: Read, read: (stats: ApiStats) => Iterable<readonly [Labels, number]>): Generator<readonly [Labels, number]> {
  for (const [door, stats] of requests.apis()) {
    for (const [labels, value] of read(stats)) yield [{ door, api: stats.api.name, ...labels }, value]
  }
}

function * eachVersion (from: Read): Generator<readonly [Labels, number]> {
  yield * eachApi(from, ({ requests }) => entriesOf('version', requests.entries()).filter(([, count]) => count > 0))
}

function * seconds (apis: Iterable<readonly [Door, ApiStats]>, waiting: boolean): Generator<readonly [Labels, HistogramSnapshot]> {
  for (const [door, { api, isWaiting, seconds }] of apis) if (isWaiting === waiting) yield [{ door, api: api.name }, seconds]
}

function * eachDoor ({ requests }: Read, read: (traffic: Traffic) => readonly [number, number]): Generator<readonly [Labels, number]> {
  for (const [door, traffic] of requests.traffic()) {
    const [into, out] = read(traffic)
    yield [{ door, direction: 'in' }, into]
    yield [{ door, direction: 'out' }, out]
  }
}

function eachTopic ({ log }: Read, read: (topic: TopicSize) => number): Array<readonly [Labels, number]> {
  // The largest by size in every family, so that a topic has either all of its series or none.
  const topics = [...log.topics()].sort((a, b) => b.sizeBytes - a.sizeBytes)
  const named = topics.slice(0, MAX_TOPICS).map(topic => [{ topic: topic.topic }, read(topic)] as const)
  const rest = topics.slice(MAX_TOPICS)
  return rest.length === 0 ? named : [...named, [{ topic: OTHER }, rest.reduce((sum, topic) => sum + read(topic), 0)]]
}
