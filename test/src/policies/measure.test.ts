import t from 'tap'
import { complete } from '../../../protocol/defaults.ts'
import { errors, KafkaError } from '../../../protocol/errors.ts'
import { Produce } from '../../../protocol/messages/00-produce.ts'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { OffsetFetch } from '../../../protocol/messages/09-offset-fetch.ts'
import { Heartbeat } from '../../../protocol/messages/12-heartbeat.ts'
import { ShareFetch } from '../../../protocol/messages/78-share-fetch.ts'
import { buildBatch } from '../../../protocol/records.ts'
import { anonymous, neverAborted, type Context, type Dispatch, type Door } from '../../../protocol/rpc.ts'
import type { Api, Chunks, Request, ResponseInput } from '../../../protocol/schema.ts'
import { measure, RequestStats, type ApiStats, type Traffic } from '../../../src/policies/measure.ts'

const context = (door: Door, version = 9, signal: AbortSignal = neverAborted): Context =>
  ({ principal: anonymous, door, clientId: 'test', address: '127.0.0.1', version, signal, throttleMs: 0 })

/** An engine that answers every request with the same. */
const answering = <A extends Api>(api: A, answer: ResponseInput<A>): Dispatch =>
  (async () => complete(api.response, answer)) as unknown as Dispatch

const rejecting = (error: Error): Dispatch => (async () => { throw error }) as unknown as Dispatch

const statsOf = (stats: RequestStats, door: Door, api: Api): ApiStats => stats.of(stats.door(door), api)
const named = (one: ApiStats): Record<string, number> =>
  Object.fromEntries(Array.from(one.errors, ([code, count]) => [new Map(Object.entries(errors).map(([name, value]) => [value, name])).get(code)!, count]))

/** `count` batches of `size` records each, as one chunk. */
const batches = (count: number, size: number): Buffer =>
  Buffer.concat(Array.from({ length: count }, () => buildBatch(Array.from({ length: size }, () => ({ key: null, value: Buffer.from('hello') }))).bytes))

const produce = (partitions: readonly (Chunks | null)[], topic: { name: string } | { topicId: string } = { name: 'greetings' }): Request<typeof Produce> =>
  complete(Produce.request, { acks: -1, timeoutMs: 1000, topicData: [{ ...topic, partitionData: partitions.map((records, index) => ({ index, records })) }] })

t.test('requests are counted by door, api and version', async t => {
  const stats = new RequestStats()
  const dispatch = measure(stats)(answering(Heartbeat, { errorCode: 0 }))
  const request = complete(Heartbeat.request, { groupId: 'g', generationId: 1, memberId: 'm' })
  await dispatch(Heartbeat, request, context('kafka', 4))
  await dispatch(Heartbeat, request, context('kafka', 4))
  await dispatch(Heartbeat, request, context('kafka', 3))
  await dispatch(Heartbeat, request, context('ws', 4))
  t.equal(statsOf(stats, 'kafka', Heartbeat).requests[4], 2)
  t.equal(statsOf(stats, 'kafka', Heartbeat).requests[3], 1)
  t.equal(statsOf(stats, 'ws', Heartbeat).requests[4], 1)
  t.equal(statsOf(stats, 'kafka', Heartbeat).errors.size, 0)
  t.same([...stats.apis()].map(([door, { api }]) => [door, api.name]), [['kafka', 'Heartbeat'], ['ws', 'Heartbeat']])
})

t.test('the answer passes by as it is', async t => {
  const answer = complete(Heartbeat.response, { errorCode: 27 })
  const dispatch = measure(new RequestStats())((async () => answer) as unknown as Dispatch)
  t.equal(await dispatch(Heartbeat, complete(Heartbeat.request, { groupId: 'g', generationId: 1, memberId: 'm' }), context('kafka')), answer)
})

t.test('errors are counted by name, wherever an answer has them', async t => {
  const stats = new RequestStats()
  const ask = async <A extends Api>(api: A, answer: ResponseInput<A>): Promise<Record<string, number>> => {
    await measure(stats)(answering(api, answer))(api, {} as Request<A>, context('kafka'))
    return named(statsOf(stats, 'kafka', api))
  }
  t.same(await ask(Heartbeat, { errorCode: errors.REBALANCE_IN_PROGRESS }), { REBALANCE_IN_PROGRESS: 1 }, 'at the top')
  t.same(await ask(Metadata, {
    brokers: [],
    topics: [
      { errorCode: errors.UNKNOWN_TOPIC_OR_PARTITION, name: 'a', partitions: [] },
      { errorCode: 0, name: 'b', partitions: [{ errorCode: errors.LEADER_NOT_AVAILABLE, partitionIndex: 0, leaderId: -1, replicaNodes: [], isrNodes: [] }] },
      { errorCode: errors.UNKNOWN_TOPIC_OR_PARTITION, name: 'c', partitions: [] }
    ]
  }), { UNKNOWN_TOPIC_OR_PARTITION: 2, LEADER_NOT_AVAILABLE: 1 }, 'in topics and in their partitions')
  t.same(await ask(OffsetFetch, {
    topics: [],
    groups: [{ groupId: 'g', topics: [], errorCode: errors.GROUP_ID_NOT_FOUND }]
  }), { GROUP_ID_NOT_FOUND: 1 }, 'in groups')
  t.same(await ask(Heartbeat, { errorCode: 12345 }), { REBALANCE_IN_PROGRESS: 1, UNKNOWN_SERVER_ERROR: 1 }, 'codes nobody knows are one')
})

t.test('a request that is rejected counts with its error, and a caller that left as that', async t => {
  const stats = new RequestStats()
  const ask = async (error: Error, signal: AbortSignal = neverAborted): Promise<void> => {
    await t.rejects(measure(stats)(rejecting(error))(Heartbeat, {} as Request<typeof Heartbeat>, context('kafka', 4, signal)), error)
  }
  await ask(new KafkaError('KAFKA_STORAGE_ERROR'))
  await ask(new TypeError('a mistake'))
  await ask(new Error('aborted'), AbortSignal.abort())
  const one = statsOf(stats, 'kafka', Heartbeat)
  t.same(named(one), { KAFKA_STORAGE_ERROR: 1, UNKNOWN_SERVER_ERROR: 1 })
  t.equal(one.abandoned, 1)
  t.equal(one.requests[4], 3)
  t.equal(one.seconds.counts.reduce((sum, count) => sum + count), 3)
})

t.test('the time of the engine is observed, and waiting is kept apart from work', async t => {
  const stats = new RequestStats()
  const slow: Dispatch = (async (api: Api) => {
    await new Promise(resolve => setTimeout(resolve, 30))
    return complete(api.response, { errorCode: 0 })
  }) as unknown as Dispatch
  await measure(stats)(slow)(Heartbeat, {} as Request<typeof Heartbeat>, context('kafka'))
  const { seconds, isWaiting } = statsOf(stats, 'kafka', Heartbeat)
  t.equal(isWaiting, false)
  t.ok(seconds.sum > 0.02 && seconds.sum < 10, `${seconds.sum} s`)
  t.equal(statsOf(stats, 'kafka', Fetch).isWaiting, true)
})

const noTraffic: Traffic = { recordsIn: 0, bytesIn: 0, recordsOut: 0, bytesOut: 0 }
const trafficOf = (stats: RequestStats, door: Door): Readonly<Traffic> => new Map(stats.traffic()).get(door) ?? noTraffic

t.test('records and bytes that were accepted are counted from the headers of their batches', async t => {
  const stats = new RequestStats()
  const [three, four] = [batches(3, 2), batches(1, 4)]
  await measure(stats)(answering(Produce, {
    responses: [{ name: 'greetings', partitionResponses: [0, 1, 2].map(index => ({ index, errorCode: 0, baseOffset: 0 })) }]
  }))(Produce, produce([[three], [four, three], null]), context('http'))
  t.same(trafficOf(stats, 'http'), { ...noTraffic, recordsIn: 6 + 4 + 6, bytesIn: 2 * three.length + four.length })
  t.same(trafficOf(stats, 'kafka'), noTraffic)
})

t.test('what was refused is not counted, whether the topic is named or has an id', async t => {
  const one = batches(1, 1)
  for (const topic of [{ name: 'greetings' }, { topicId: 'BBBBBBBBBBBBBBBBBBBBBB' }]) {
    const stats = new RequestStats()
    await measure(stats)(answering(Produce, {
      responses: [{
        ...topic,
        partitionResponses: [{ index: 1, errorCode: 0, baseOffset: 0 }, { index: 0, errorCode: errors.CORRUPT_MESSAGE, baseOffset: -1 }]
      }]
    }))(Produce, produce([[one], [one]], topic), context('kafka'))
    t.same(trafficOf(stats, 'kafka'), { ...noTraffic, recordsIn: 1, bytesIn: one.length })
  }
  const stats = new RequestStats()
  await t.rejects(measure(stats)(rejecting(new KafkaError('KAFKA_STORAGE_ERROR')))(Produce, produce([[one]]), context('kafka')))
  t.same(trafficOf(stats, 'kafka'), noTraffic)
})

t.test('a batch that lies about itself ends the count, not the process', async t => {
  const stats = new RequestStats()
  const lying = batches(2, 1)
  lying.writeInt32BE(-12, 8)
  await measure(stats)(answering(Produce, {
    responses: [{ name: 'greetings', partitionResponses: [{ index: 0, errorCode: 0, baseOffset: 0 }] }]
  }))(Produce, produce([[lying], [Buffer.alloc(3)], []]), context('kafka'))
  t.equal(trafficOf(stats, 'kafka').recordsIn, 0)
})

t.test('records that are read are counted where they go', async t => {
  const stats = new RequestStats()
  const [two, five] = [batches(2, 1), batches(1, 5)]
  const partition = (partitionIndex: number, records: Chunks | null): object =>
    ({ partitionIndex, errorCode: 0, highWatermark: 9, abortedTransactions: null, records })
  await measure(stats)(answering(Fetch, {
    sessionId: 0,
    responses: [{ topic: 'a', partitions: [partition(0, [two, five]), partition(1, null)] }, { topic: 'b', partitions: [partition(0, [five])] }]
  } as ResponseInput<typeof Fetch>))(Fetch, complete(Fetch.request, { maxWaitMs: 1, minBytes: 1, topics: [] }), context('ws'))
  t.same(trafficOf(stats, 'ws'), { ...noTraffic, recordsOut: 12, bytesOut: two.length + 2 * five.length })
  await measure(stats)(answering(ShareFetch, {
    errorCode: 0, acquisitionLockTimeoutMs: 1, nodeEndpoints: [], responses: [{ topicId: '', partitions: [partition(0, [five])] }]
  } as unknown as ResponseInput<typeof ShareFetch>))(ShareFetch, {} as Request<typeof ShareFetch>, context('kafka'))
  t.same(trafficOf(stats, 'kafka'), { ...noTraffic, recordsOut: 5, bytesOut: five.length }, 'members of share groups, too')
})
