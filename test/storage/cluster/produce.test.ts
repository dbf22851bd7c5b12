/**
 * Produce in front of a cluster: split by leader, put together again, and never sent twice.
 */
import t from 'tap'
import { Produce } from '../../../protocol/messages/00-produce.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { cutAfter, never } from '../../support/fake-broker.ts'
import { FakeCluster } from '../../support/fake-cluster.ts'
import { until } from '../../support/until.ts'
import { batchOf } from '../../support/batches.ts'
import { Client, nameOf, openEngine, PROMPT_MS, timed } from './support.ts'

const places = [['b', 0], ['b', 1], ['a', 2], ['a', 0]] as const

t.test('each leader has its part, and the answer is in the order of the request', async t => {
  const cluster = await FakeCluster.start(t, 3)
  cluster.topic('a', [0, 1, 2])
  cluster.topic('b', [1, 2])
  const client = new Client(await openEngine(t, cluster))
  t.strictSame(await client.produce(places), ['b-0 NONE 0', 'b-1 NONE 0', 'a-2 NONE 0', 'a-0 NONE 0'])
  t.strictSame(await client.produce(places), ['b-0 NONE 1', 'b-1 NONE 1', 'a-2 NONE 1', 'a-0 NONE 1'])
  const parts = cluster.brokers.map(broker => broker.askedFor(Produce).map(({ request }) =>
    request.topicData.flatMap(({ name, partitionData }) => partitionData.map(({ index }) => `${name}-${index}`))))
  t.strictSame(parts, [[['a-0'], ['a-0']], [['b-0'], ['b-0']], [['b-1', 'a-2'], ['b-1', 'a-2']]])
})

t.test('what one broker leads goes to it as it is, with the client\'s id and the same bytes', async t => {
  const cluster = await FakeCluster.start(t, 2)
  const { id } = cluster.topic('a', [1, 1])
  const client = new Client(await openEngine(t, cluster))
  const batch = batchOf(['x', 'y']).bytes
  const topicData = [{ name: '', topicId: id, partitionData: [{ index: 0, records: [Buffer.from(batch)] }, { index: 1, records: [Buffer.from(batch)] }] }]
  const { responses } = await client.call(Produce, { acks: -1, timeoutMs: 1000, topicData }, { version: 13 })
  t.strictSame(responses[0]!.partitionResponses.map(({ errorCode }) => nameOf(errorCode)), ['NONE', 'NONE'])
  const [asked, ...more] = cluster.brokers[1]!.askedFor(Produce)
  t.strictSame([asked!.version, asked!.clientId, more.length], [13, 'test', 0])
  t.strictSame(asked!.request.topicData[0]!.partitionData.map(({ records }) => Buffer.concat(records!)), [batch, batch])
})

t.test('acks=0: a broker that closes the connection upon it has refused it, and the next one is told so', async t => {
  const cluster = await FakeCluster.start(t, 2)
  cluster.topic('a', [0])
  const client = new Client(await openEngine(t, cluster))
  const broker = cluster.brokers[0]!
  t.strictSame(await client.produce([['a', 0]], { acks: 0 }), [])
  await until(() => broker.askedFor(Produce).length === 1)
  broker.cut()
  await until(() => [...client.engine.brokers.values()].some(({ id, connections }) => id === broker.id && connections.size === 0))
  t.equal((await client.produce([['a', 0]], { acks: 0 })).length, 1, 'an error, upon which the door hangs up')
  t.equal(broker.askedFor(Produce).length, 1, 'nothing more was sent to who refuses it')
  t.strictSame(await client.produce([['a', 0]], { acks: 0 }), [], 'the client that comes back is served')
})

t.test('acks=0: sent to all, and nothing is waited for', async t => {
  const cluster = await FakeCluster.start(t, 3)
  cluster.topic('a', [0, 1, 2])
  const client = new Client(await openEngine(t, cluster))
  t.strictSame(await client.produce([['a', 0], ['a', 1], ['a', 2]], { acks: 0 }), [])
  await until(() => cluster.topics.get('a')!.partitions.every(({ batches }) => batches.length === 1))
  t.strictSame(await client.produce([['a', 0], ['a', 1]]), ['a-0 NONE 1', 'a-1 NONE 1'], 'and the next one is behind it')
})

t.test('a leader that is down fails its own partitions, as not sent, and at once', async t => {
  const cluster = await FakeCluster.start(t, 3)
  cluster.topic('a', [0, 1, 2])
  const client = new Client(await openEngine(t, cluster))
  await cluster.brokers[1]!.stop()
  for (let i = 0; i < 3; i++) {
    const { value, ms } = await timed(client.produce([['a', 0], ['a', 1], ['a', 2]]))
    t.strictSame(value, [`a-0 NONE ${i}`, 'a-1 NOT_LEADER_OR_FOLLOWER -1', `a-2 NONE ${i}`])
    t.ok(ms < PROMPT_MS, `${ms} ms`)
  }
  t.strictSame(await client.produce([['a', 1]]), ['a-1 NOT_LEADER_OR_FOLLOWER -1'], 'alone, too')
})

t.test('what was sent and has no answer is REQUEST_TIMED_OUT, and is not sent again', async t => {
  const cluster = await FakeCluster.start(t, 3)
  cluster.topic('a', [0, 1, 2])
  const client = new Client(await openEngine(t, cluster))
  for (const places of [[['a', 0], ['a', 1], ['a', 2]], [['a', 1]]] as const) {
    const before = cluster.brokers[1]!.askedFor(Produce).length
    const undo = cluster.brokers[1]!.on(Produce, () => cutAfter(0))
    t.ok((await client.produce(places)).includes('a-1 REQUEST_TIMED_OUT -1'))
    undo()
    t.equal(cluster.brokers[1]!.askedFor(Produce).length, before + 1, 'once')
  }
  t.strictSame(await client.produce([['a', 1]]), ['a-1 NONE 0'], 'the next one is made a connection for')
})

t.test('a leader that says nothing holds the others up no longer than two thirds of the producer\'s time', async t => {
  const cluster = await FakeCluster.start(t, 2)
  cluster.topic('a', [0, 1])
  const client = new Client(await openEngine(t, cluster))
  cluster.brokers[1]!.on(Produce, never)
  const { value, ms } = await timed(client.produce([['a', 0], ['a', 1]], { timeoutMs: 1800 }))
  t.strictSame(value, ['a-0 NONE 0', 'a-1 REQUEST_TIMED_OUT -1'])
  t.ok(ms > 1100 && ms < 1200 + PROMPT_MS, `${ms} ms`)
  t.equal(cluster.brokers[1]!.askedFor(Produce).length, 1)
})

t.test('a leader that says nothing is waited for no longer than it leads', async t => {
  const cluster = await FakeCluster.start(t, 2)
  cluster.topic('a', [0, 1])
  const client = new Client(await openEngine(t, cluster))
  cluster.brokers[1]!.on(Produce, never)
  const held = timed(client.produce([['a', 1]], { timeoutMs: 30_000 }))
  await until(() => cluster.brokers[1]!.askedFor(Produce).length === 1)
  cluster.lead('a', 1, 0)
  const { value, ms } = await held
  t.strictSame(value, ['a-1 REQUEST_TIMED_OUT -1'], 'nobody knows what became of it')
  t.ok(ms < 2000 + 2 * PROMPT_MS, `${ms} ms`)
  t.strictSame(await client.produce([['a', 1]]), ['a-1 NONE 0'], 'the next one goes to who leads now')
  t.equal(cluster.brokers[1]!.askedFor(Produce).length, 1)
})

t.test('leadership that has moved is told the client once, and found out', async t => {
  const cluster = await FakeCluster.start(t, 3)
  cluster.topic('a', [0, 1])
  const client = new Client(await openEngine(t, cluster))
  await client.produce([['a', 0], ['a', 1]])
  cluster.lead('a', 1, 2)
  t.strictSame(await client.produce([['a', 0], ['a', 1]]), ['a-0 NONE 1', 'a-1 NOT_LEADER_OR_FOLLOWER -1'])
  const asked = (): number => cluster.askedFor(Metadata).filter(({ request }) => request.topics?.length === 1).length
  const before = asked()
  await until(() => asked() > before)
  await client.produce([['a', 0]]) // by now the answer is there
  t.strictSame(await client.produce([['a', 0], ['a', 1]]), ['a-0 NONE 3', 'a-1 NONE 1'])
})

t.test('partitions that nobody leads, that are not there, and topics that are not there', async t => {
  const cluster = await FakeCluster.start(t, 2)
  cluster.topic('a', [0, 1])
  cluster.lead('a', 1, -1)
  const client = new Client(await openEngine(t, cluster))
  t.strictSame(await client.produce([['a', 0], ['a', 1], ['a', 7], ['none', 0]]),
    ['a-0 NONE 0', 'a-1 NOT_LEADER_OR_FOLLOWER -1', 'a-7 UNKNOWN_TOPIC_OR_PARTITION -1', 'none-0 UNKNOWN_TOPIC_OR_PARTITION -1'])
  const topicData = [{ topicId: 'bm9uZW5vbmVub25lbm9uZQ', partitionData: [{ index: 0, records: [batchOf(['x']).bytes] }] }]
  const { responses } = await client.call(Produce, { acks: -1, timeoutMs: 1000, topicData }, { version: 13 })
  t.equal(nameOf(responses[0]!.partitionResponses[0]!.errorCode), 'UNKNOWN_TOPIC_ID')
})

t.test('with nobody there, everything is not sent', async t => {
  const cluster = await FakeCluster.start(t, 2)
  cluster.topic('a', [0, 1])
  const client = new Client(await openEngine(t, cluster))
  await Promise.all(cluster.brokers.map(broker => broker.stop()))
  const { value, ms } = await timed(client.produce([['a', 0], ['a', 1]]))
  t.strictSame(value, ['a-0 NOT_LEADER_OR_FOLLOWER -1', 'a-1 NOT_LEADER_OR_FOLLOWER -1'])
  t.ok(ms < PROMPT_MS, `${ms} ms`)
})

t.test('requests of one connection reach a broker in the order in which they came, though none is waited for', async t => {
  const cluster = await FakeCluster.start(t, 2)
  cluster.topic('a', [0, 1])
  const client = new Client(await openEngine(t, cluster))
  await Promise.all(Array.from({ length: 50 }, (_, i) => client.produce([['a', 0], ['a', 1]], { value: String(i), acks: i % 3 === 0 ? 0 : 1 })))
  await until(() => cluster.topics.get('a')!.partitions.every(({ batches }) => batches.length === 50))
  for (const broker of cluster.brokers) {
    const values = broker.askedFor(Produce).map(({ request }) => Buffer.concat(request.topicData[0]!.partitionData[0]!.records!).toString('latin1'))
    t.ok(values.every((bytes, i) => bytes.includes(`${i}\0`)), 'in order')
    t.equal(new Set(broker.askedFor(Produce).map(({ socket }) => socket)).size, 1, 'on one connection')
  }
})

t.test('a broker that leaves a partition out of its answer has not answered it', async t => {
  const cluster = await FakeCluster.start(t, 2)
  cluster.topic('a', [0, 1])
  const client = new Client(await openEngine(t, cluster))
  cluster.brokers[1]!.on(Produce, () => ({ responses: [{ name: 'a', partitionResponses: [] }] }))
  t.strictSame(await client.produce([['a', 0], ['a', 1]]), ['a-0 NONE 0', 'a-1 REQUEST_TIMED_OUT -1'])
})
