/**
 * Fetch in front of a cluster: long polls at several brokers that look like one.
 */
import t, { type Test } from 'tap'
import { setTimeout as sleep } from 'node:timers/promises'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { cutAfter, never } from '../../support/fake-broker.ts'
import { batchOf, batchOfSize, recordsOf } from '../../support/batches.ts'
import { FakeCluster } from '../../support/fake-cluster.ts'
import { until } from '../../support/until.ts'
import { Client, fetchedText, openEngine, PROMPT_MS, timed, type Place } from './support.ts'

const LONG_MS = 30_000

async function twoBrokers (t: Test): Promise<{ cluster: FakeCluster, client: Client }> {
  const cluster = await FakeCluster.start(t, 2)
  cluster.topic('a', [0, 1])
  return { cluster, client: new Client(await openEngine(t, cluster)) }
}

const both = [['a', 0, 0], ['a', 1, 0]] as const
const batch = (value = 'x'): Buffer => batchOf([value]).bytes

/** How often each broker was asked to read. */
const counts = ({ brokers }: FakeCluster): number[] => brokers.map(broker => broker.askedFor(Fetch).length)

t.test('what one broker leads it is asked for as it is, and says nothing of other brokers', async t => {
  const { cluster, client } = await twoBrokers(t)
  const { id } = cluster.topics.get('a')!
  cluster.append('a', 1, batch())
  const topics = [{ topic: '', topicId: id, partitions: [{ partition: 1, fetchOffset: 0, partitionMaxBytes: 1000 }] }]
  const answer = await client.call(Fetch, { maxWaitMs: 0, minBytes: 1, topics, rackId: cluster.brokers[1]!.rack }, { version: 17 })
  const [partition] = answer.responses[0]!.partitions
  t.strictSame([answer.sessionId, answer.nodeEndpoints, partition!.preferredReadReplica], [0, [], -1])
  t.strictSame(partition!.currentLeader, { leaderId: -1, leaderEpoch: -1 })
  t.strictSame(recordsOf(partition!.records!).map(({ value }) => String(value)), ['x'])
  t.strictSame(counts(cluster), [0, 1])
  t.equal(cluster.brokers[1]!.askedFor(Fetch)[0]!.request.rackId, '', 'no replica is preferred for a client\'s sake')
})

t.test('a session of the client\'s is refused: they end before this', async t => {
  const { client } = await twoBrokers(t)
  const answer = await client.call(Fetch, { maxWaitMs: 0, minBytes: 1, sessionId: 7, sessionEpoch: 1, topics: [] }, { version: 12 })
  t.equal(answer.errorCode, 70)
})

t.test('who asks for nothing waits, until it leaves', async t => {
  const { client } = await twoBrokers(t)
  const { ms } = await timed(client.fetch([], { maxWaitMs: 100 }))
  t.ok(ms >= 95)
  const left = t.rejects(client.fetch([], { maxWaitMs: LONG_MS }), { message: 'left' })
  client.leave()
  await left
})

t.test('first data ends the wait, and the poll left behind serves the next request', async t => {
  const { cluster, client } = await twoBrokers(t)
  t.strictSame(fetchedText(await client.fetch(both)), ['a-0 NONE 0 0', 'a-1 NONE 0 0'])
  const before = counts(cluster)
  const waiting = timed(client.fetch(both, { maxWaitMs: LONG_MS }))
  await until(() => counts(cluster).every((count, i) => count === before[i]! + 1))
  cluster.append('a', 0, batch())
  const { value, ms } = await waiting
  t.strictSame(fetchedText(value), ['a-0 NONE 1 1', 'a-1 NONE 0 0'])
  t.ok(ms < PROMPT_MS, `${ms} ms`)
  const next = client.fetch([['a', 0, 1], ['a', 1, 0]], { maxWaitMs: LONG_MS })
  await until(() => counts(cluster)[0] === before[0]! + 2)
  cluster.append('a', 1, batch())
  t.strictSame(fetchedText(await next), ['a-0 NONE 1 0', 'a-1 NONE 1 1'])
  t.strictSame(counts(cluster), [before[0]! + 2, before[1]! + 1], 'the second broker was asked once for both requests')
})

t.test('what came after the answer went out lies ready: given at once, and not read again', async t => {
  const { cluster, client } = await twoBrokers(t)
  await client.fetch(both)
  const waiting = client.fetch(both, { maxWaitMs: LONG_MS })
  await until(() => counts(cluster).every(count => count === 2))
  cluster.append('a', 0, batch())
  await waiting
  cluster.append('a', 1, batch())
  const { value, ms } = await timed(client.fetch([['a', 0, 1], ['a', 1, 0]], { maxWaitMs: LONG_MS }))
  t.strictSame(fetchedText(value), ['a-0 NONE 1 0', 'a-1 NONE 1 1'])
  t.ok(ms < PROMPT_MS, `${ms} ms`)
  await until(() => counts(cluster)[0] === 3)
  t.strictSame(counts(cluster), [3, 2], 'the first broker waits for the next request meanwhile; the second one was not asked again')
})

t.test('a changed set of partitions: what is asked for no more is not answered, and not waited for', async t => {
  const cluster = await FakeCluster.start(t, 3)
  cluster.topic('a', [0, 1, 2, 1])
  const client = new Client(await openEngine(t, cluster))
  await client.fetch([...both, ['a', 2, 0], ['a', 3, 0]])
  t.strictSame(fetchedText(await client.fetch(both, { maxWaitMs: 50 })), ['a-0 NONE 0 0', 'a-1 NONE 0 0'])
  const changed = client.fetch([['a', 2, 0], ['a', 3, 0]], { maxWaitMs: LONG_MS })
  await until(() => cluster.brokers[2]!.askedFor(Fetch).length === 2)
  cluster.append('a', 0, batch())
  cluster.append('a', 3, batch())
  t.strictSame(fetchedText(await changed), ['a-2 NONE 0 0', 'a-3 NONE 1 1'])
  t.strictSame(fetchedText(await client.fetch([['a', 0, 0], ['a', 2, 0]], { maxWaitMs: LONG_MS })), ['a-0 NONE 1 1', 'a-2 NONE 0 0'])
  for (let offset = 0; offset < 8; offset++) await client.fetch([['a', 0, 1 + offset], ['a', 1, offset]], { maxWaitMs: 1 })
  t.ok(cluster.connections < 25, `${cluster.connections} connections for one client`)
})

t.test('minBytes are those of all brokers together', async t => {
  const { cluster, client } = await twoBrokers(t)
  await client.fetch(both)
  let isDone = false
  const waiting = client.fetch(both, { maxWaitMs: LONG_MS, minBytes: 250 }).finally(() => { isDone = true })
  cluster.append('a', 0, batchOfSize(150).bytes)
  await until(() => counts(cluster)[0]! > 2)
  t.equal(isDone, false)
  cluster.append('a', 1, batchOfSize(150).bytes)
  t.strictSame(fetchedText(await waiting), ['a-0 NONE 1 1', 'a-1 NONE 1 1'])
})

t.test('maxBytes hold for all brokers together, and batches stay whole', async t => {
  const cluster = await FakeCluster.start(t, 3)
  cluster.topic('a', [0, 1, 2])
  const client = new Client(await openEngine(t, cluster))
  for (const partition of [0, 1, 2]) for (let i = 0; i < 4; i++) cluster.append('a', partition, batchOfSize(100).bytes)
  const all = [['a', 0, 0], ['a', 1, 0], ['a', 2, 0]] as const
  t.strictSame(fetchedText(await client.fetch(all, { minBytes: 0, maxBytes: 650 })), ['a-0 NONE 4 4', 'a-1 NONE 4 2', 'a-2 NONE 4 0'])
  const reader = new Client(client.engine)
  t.strictSame(fetchedText(await reader.fetch(all, { minBytes: 0, maxBytes: 50 })), ['a-0 NONE 4 1', 'a-1 NONE 4 0', 'a-2 NONE 4 0'], 'at least one')
  const other = new Client(client.engine)
  t.strictSame(fetchedText(await other.fetch(all, { minBytes: 0, partitionMaxBytes: 210 })), ['a-0 NONE 4 2', 'a-1 NONE 4 2', 'a-2 NONE 4 2'])
})

t.test('a broker that says nothing delays the others\' data only before anything is known of its partitions', async t => {
  const { cluster, client } = await twoBrokers(t)
  cluster.append('a', 0, batch())
  cluster.brokers[1]!.on(Fetch, never)
  const { value, ms } = await timed(client.fetch(both, { maxWaitMs: 100 }))
  t.strictSame(fetchedText(value), ['a-0 NONE 1 1', 'a-1 NOT_LEADER_OR_FOLLOWER -1 0'])
  t.ok(ms < 1000 + PROMPT_MS, `${ms} ms`)
  for (let offset = 1; offset < 5; offset++) {
    cluster.append('a', 0, batch())
    const { value, ms } = await timed(client.fetch([['a', 0, offset], ['a', 1, 0]], { maxWaitMs: LONG_MS }))
    t.strictSame(fetchedText(value), [`a-0 NONE ${offset + 1} 1`, 'a-1 NOT_LEADER_OR_FOLLOWER -1 0'])
    t.ok(ms < PROMPT_MS, `${ms} ms`)
  }
  t.equal(counts(cluster)[1], 1)
})

t.test('what is known of the end of a partition is said while its broker says nothing', async t => {
  const { cluster, client } = await twoBrokers(t)
  for (let i = 0; i < 3; i++) cluster.append('a', 1, batch())
  await client.fetch([['a', 0, 0], ['a', 1, 3]])
  cluster.brokers[1]!.on(Fetch, never)
  t.strictSame(fetchedText(await client.fetch([['a', 0, 0], ['a', 1, 3]], { maxWaitMs: 50 })), ['a-0 NONE 0 0', 'a-1 NONE 3 0'])
})

t.test('a broker that is down fails its partitions at once; its errors and a cut answer are those of the partitions', async t => {
  const { cluster, client } = await twoBrokers(t)
  await client.fetch(both)
  cluster.brokers[1]!.on(Fetch, () => cutAfter(11))
  t.strictSame(fetchedText(await client.fetch(both, { maxWaitMs: LONG_MS })), ['a-0 NONE 0 0', 'a-1 NOT_LEADER_OR_FOLLOWER -1 0'])
  await cluster.brokers[1]!.stop()
  const { value, ms } = await timed(client.fetch(both, { maxWaitMs: LONG_MS }))
  t.strictSame(fetchedText(value), ['a-0 NONE 0 0', 'a-1 NOT_LEADER_OR_FOLLOWER -1 0'])
  t.ok(ms < PROMPT_MS, `${ms} ms`)
  t.strictSame(fetchedText(await client.fetch([['a', 1, 0]], { maxWaitMs: LONG_MS })), ['a-1 NOT_LEADER_OR_FOLLOWER -1 0'], 'alone, too')
})

t.test('leadership that moves while a client waits ends the wait, and the next request goes to the new leader', async t => {
  const { cluster, client } = await twoBrokers(t)
  await client.fetch(both)
  const waiting = client.fetch(both, { maxWaitMs: LONG_MS })
  await until(() => counts(cluster).every(count => count === 2))
  cluster.lead('a', 1, 0)
  t.strictSame(fetchedText(await waiting), ['a-0 NONE 0 0', 'a-1 NOT_LEADER_OR_FOLLOWER -1 0'])
  cluster.append('a', 1, batch())
  await until(() => cluster.askedFor(Fetch).length > 0)
  for (;;) {
    const text = fetchedText(await client.fetch(both, { maxWaitMs: 20 }))
    if (text[1] === 'a-1 NONE 1 1') break
  }
  t.pass('it reads on')
})

for (const kind of ['kafka', 'http'] as const) {
  t.test(`a client that leaves is not waited for (${kind})`, async t => {
    const cluster = await FakeCluster.start(t, 2)
    cluster.topic('a', [0, 1])
    const client = new Client(await openEngine(t, cluster), kind)
    for (const places of [both, [['a', 0, 0]] as const]) {
      const before = counts(cluster)
      const leaving = new AbortController()
      const signal = kind === 'http' ? { signal: leaving.signal } : {}
      const reader = kind === 'http' ? client : new Client(client.engine)
      const left = t.rejects(reader.fetch(places, { maxWaitMs: LONG_MS, ...signal }), { message: 'left' })
      await until(() => counts(cluster)[0]! > before[0]!)
      reader.leave()
      leaving.abort(new Error('left'))
      await left
    }
    if (kind === 'kafka') await until(() => cluster.connections <= 4)
    t.pass('what was behind a connection is closed; one or two of the engine\'s own stay')
  })
}

t.test('callers without a connection: what is there at once, and what comes at any broker', async t => {
  const cluster = await FakeCluster.start(t, 2)
  cluster.topic('a', [0, 1])
  const caller = new Client(await openEngine(t, cluster), 'http')
  cluster.append('a', 1, batch())
  t.strictSame(fetchedText(await caller.fetch(both, { maxWaitMs: LONG_MS })), ['a-0 NONE 0 0', 'a-1 NONE 1 1'])
  const waiting = caller.fetch([['a', 0, 0], ['a', 1, 1]], { maxWaitMs: LONG_MS })
  await until(() => counts(cluster)[0]! > 2)
  cluster.append('a', 0, batch())
  t.strictSame(fetchedText(await waiting), ['a-0 NONE 1 1', 'a-1 NONE 1 0'])
  const { value, ms } = await timed(caller.fetch([['a', 0, 1], ['a', 1, 1]], { maxWaitMs: 300 }))
  t.strictSame(fetchedText(value), ['a-0 NONE 1 0', 'a-1 NONE 1 0'])
  t.ok(ms >= 290 && ms < 300 + PROMPT_MS, `${ms} ms`)
})

t.test('a Fetch that a broker\'s version cannot carry is an error of its request, and of nothing else', async t => {
  const { cluster, client } = await twoBrokers(t)
  await client.fetch(both)
  for (const broker of cluster.brokers) {
    broker.versions.set(Fetch.key, [4, 11])
    broker.cut()
  }
  await until(() => [...client.engine.brokers.values()].every(({ stats }) => stats.disconnects > 0))
  const topics = [{ topic: 'a', partitions: [0, 1].map(partition => ({ partition, fetchOffset: 0, lastFetchedEpoch: 5, partitionMaxBytes: 1000 })) }]
  await t.rejects(client.call(Fetch, { maxWaitMs: 100, minBytes: 1, topics }, { version: 12 }), /lastFetchedEpoch/)
  t.strictSame(fetchedText(await client.fetch(both)), ['a-0 NONE 0 0', 'a-1 NONE 0 0'])
})

t.test('ends that one broker has told by itself are not taken back when others are asked, too', async t => {
  const cluster = await FakeCluster.start(t, 2)
  cluster.topic('a', [0, 1])
  const client = new Client(await openEngine(t, cluster))
  t.strictSame(fetchedText(await client.fetch([['a', 0, 0], ['a', 1, 0]], { maxWaitMs: 50 })), ['a-0 NONE 0 0', 'a-1 NONE 0 0'])
  await client.produce([['a', 0]])
  t.strictSame(fetchedText(await client.fetch([['a', 0, 0]], { maxWaitMs: 50 })), ['a-0 NONE 1 1'])
  await client.produce([['a', 1]])
  const both = fetchedText(await client.fetch([['a', 0, 1], ['a', 1, 0]], { maxWaitMs: 500 }))
  t.strictSame(both, ['a-0 NONE 1 0', 'a-1 NONE 1 1'])
})

t.test('where one batch fits into an answer, what another broker has sent meanwhile is kept for its turn', async t => {
  const cluster = await FakeCluster.start(t, 2)
  cluster.topic('a', [0, 1])
  const client = new Client(await openEngine(t, cluster))
  await client.produce([['a', 0]])
  const partition = { partitionIndex: 1, errorCode: 0, highWatermark: 1, abortedTransactions: null, records: [batchOf(['x']).bytes] }
  cluster.brokers[1]!.on(Fetch, async () => {
    await sleep(60)
    return { responses: [{ topic: 'a', partitions: [partition] }] }
  })
  const places: Place[] = [['a', 0, 0], ['a', 1, 0]]
  const had: string[] = []
  // The door turns the partitions of a session so that who has had something is last.
  for (let i = 0; i < 6; i++, places.reverse()) {
    had.push(...fetchedText(await client.fetch(places, { maxBytes: 1, maxWaitMs: 500 })).filter(text => text.endsWith(' 1')))
    await sleep(100)
  }
  t.strictSame(had.map(text => text.split(' ')[0]), ['a-0', 'a-1', 'a-0', 'a-1', 'a-0', 'a-1'])
})
