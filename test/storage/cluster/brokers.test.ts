/**
 * Brokers that are down, slow, of different ages, or talk nonsense: what they cost, and whom.
 */
import t from 'tap'
import { Produce } from '../../../protocol/messages/00-produce.ts'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { ApiVersions } from '../../../protocol/messages/18-api-versions.ts'
import { SaslHandshake } from '../../../protocol/messages/17-sasl-handshake.ts'
import { CreateTopics } from '../../../protocol/messages/19-create-topics.ts'
import { DescribeTopicPartitions } from '../../../protocol/messages/75-describe-topic-partitions.ts'
import { announces, cutAfter, never, says, toAnother } from '../../support/fake-broker.ts'
import { FakeCluster } from '../../support/fake-cluster.ts'
import { until } from '../../support/until.ts'
import { Client, openEngine, plain, PROMPT_MS, timed } from './support.ts'
import { ClusterEngine } from '../../../storage/cluster/engine.ts'

const nonsense = {
  'a length below zero': says(Buffer.from([0xff, 0xff, 0xff, 0xff])),
  'an answer to something else': toAnother(),
  'an answer that ends too soon': says(Buffer.from([0, 0, 0, 6, 0, 0, 0, 1, 0, 0])),
  'half an answer': cutAfter(9)
}

for (const [what, fault] of Object.entries(nonsense)) {
  t.test(`${what}: that connection ends, and no other`, async t => {
    const cluster = await FakeCluster.start(t, 2)
    cluster.topic('a', [0, 1])
    const engine = await openEngine(t, cluster)
    const [client, other] = [new Client(engine), new Client(engine)]
    for (const one of [client, other]) await one.produce([['a', 0], ['a', 1]])
    const { sockets } = cluster.brokers[1]!
    const before = sockets.size
    const waiting = other.fetch([['a', 1, 2]], { maxWaitMs: 30_000 })
    const undo = cluster.brokers[1]!.on(Produce, () => fault)
    t.strictSame(await client.produce([['a', 0], ['a', 1]]), ['a-0 NONE 2', 'a-1 REQUEST_TIMED_OUT -1'])
    undo()
    await until(() => sockets.size === before - 1)
    t.strictSame(await client.produce([['a', 1]]), ['a-1 NONE 2'], 'the next one has a connection of its own')
    t.equal((await waiting).responses[0]!.partitions[0]!.highWatermark, 3, 'and others have kept theirs')
  })
}

t.test('a frame that is announced and does not come takes no memory, and delays nobody else', async t => {
  const cluster = await FakeCluster.start(t, 1)
  cluster.topic('a', [0])
  const engine = await openEngine(t, cluster)
  const undo = cluster.brokers[0]!.on(Produce, () => announces(0x7fffffff))
  const before = process.memoryUsage().rss
  const lost = new Client(engine).produce([['a', 0]])
  await until(() => cluster.brokers[0]!.askedFor(Produce).length === 1)
  undo()
  const { value, ms } = await timed(new Client(engine).produce([['a', 0]]))
  t.strictSame(value, ['a-0 NONE 0'])
  t.ok(ms < PROMPT_MS, `${ms} ms`)
  t.ok(process.memoryUsage().rss - before < 256 * 1024 * 1024)
  cluster.brokers[0]!.cut()
  t.strictSame(await lost, ['a-0 REQUEST_TIMED_OUT -1'])
})

t.test('a slow broker holds up who waits for it, and nobody else', async t => {
  const cluster = await FakeCluster.start(t, 2)
  cluster.topic('a', [0, 1])
  const engine = await openEngine(t, cluster)
  const { promise, resolve } = Promise.withResolvers<object>()
  const undo = cluster.brokers[1]!.on(Produce, () => promise)
  const slow = new Client(engine).produce([['a', 1]])
  await until(() => cluster.brokers[1]!.askedFor(Produce).length === 1)
  undo()
  for (const door of ['kafka', 'http'] as const) {
    const { value, ms } = await timed(new Client(engine, door).produce([['a', 0], ['a', 1]]))
    t.equal(value.filter(text => text.includes('NONE')).length, 2)
    t.ok(ms < PROMPT_MS, `${ms} ms`)
  }
  resolve({ responses: [{ name: 'a', partitionResponses: [{ index: 1, errorCode: 0, baseOffset: 9 }] }] })
  t.strictSame(await slow, ['a-1 NONE 9'])
})

t.test('a broker that is down is tried again later and later; until then everybody is told at once', async t => {
  const cluster = await FakeCluster.start(t, 2)
  cluster.topic('a', [0, 1])
  const lost: number[] = []
  const attempts: number[] = []
  const engine = await openEngine(t, cluster, {}, {
    onLost: broker => { lost.push(broker) },
    security: {
      ...plain,
      connect: (endpoint, ...rest) => {
        if (endpoint.port === cluster.brokers[1]!.port) attempts.push(performance.now())
        return plain.connect(endpoint, ...rest)
      }
    }
  })
  const client = new Client(engine)
  await cluster.brokers[1]!.stop()
  attempts.length = 0
  const until = performance.now() + 1500
  let asked = 0
  for (; performance.now() < until; asked++) {
    const { value, ms } = await timed(client.produce([['a', 0], ['a', 1]]))
    if (!value[1]!.includes('NOT_LEADER') || ms > PROMPT_MS) t.fail(`${value[1]} after ${ms} ms`)
  }
  // 50, 100, 200, 400, 800 ms and 20 % either way.
  t.ok(attempts.length >= 4 && attempts.length <= 12, `${attempts.length} attempts for ${asked} requests`)
  t.ok(lost.every(id => id === cluster.brokers[1]!.id))
  await cluster.brokers[1]!.start()
  t.equal(await client.produced('a', 1), 'a-1 NONE 0', 'it is found again')
})

t.test('a broker that takes connections and says nothing holds up one attempt', async t => {
  const cluster = await FakeCluster.start(t, 2)
  cluster.topic('a', [0, 1])
  const engine = await openEngine(t, cluster)
  const client = new Client(engine)
  await client.produce([['a', 1]])
  cluster.brokers[1]!.on(ApiVersions, never)
  cluster.brokers[1]!.cut()
  await until(() => engine.brokers.get(cluster.brokers[1]!.id)!.stats.disconnects > 0)
  const { value, ms } = await timed(client.produce([['a', 0], ['a', 1]], { timeoutMs: 1500 }))
  t.equal(value[0], 'a-0 NONE 0')
  t.ok(ms < 1000 + PROMPT_MS, `${ms} ms`)
  for (const one of [client, new Client(engine)]) {
    const { value, ms } = await timed(one.produce([['a', 0], ['a', 1]], { timeoutMs: 1500 }))
    t.equal(value[0]!.slice(0, 8), 'a-0 NONE')
    t.ok(ms < 1000 + PROMPT_MS, `${ms} ms`)
  }
})

t.test('what is served is what brokers of all ages speak, and changes when one comes back upgraded', async t => {
  const cluster = await FakeCluster.start(t, 3)
  cluster.topic('a', [0, 1, 2])
  const [old, , oldest] = cluster.brokers
  old!.versions.set(Produce.key, [0, 9])
  oldest!.versions.set(Produce.key, [0, 7]).set(Fetch.key, [4, 11]).delete(DescribeTopicPartitions.key)
  const engine = await openEngine(t, cluster)
  const { supports } = engine
  t.strictSame([supports.get(Produce.key), supports.get(Fetch.key), supports.has(DescribeTopicPartitions.key)], [[3, 7], [4, 11], false])
  const client = new Client(engine)
  t.strictSame(await client.produce([['a', 0], ['a', 1], ['a', 2]]), ['a-0 NONE 0', 'a-1 NONE 0', 'a-2 NONE 0'])
  t.strictSame(cluster.brokers.map(broker => broker.askedFor(Produce)[0]!.version), [9, 12, 7], 'each is spoken to as it understands')

  await oldest!.stop()
  oldest!.versions = new Map(cluster.brokers[1]!.versions)
  await oldest!.start()
  await until(() => engine.brokers.get(oldest!.id)!.stats.disconnects > 0)
  await client.produced('a', 2)
  t.not(engine.supports, supports, 'another map: whoever keeps it sees that it changed')
  t.strictSame([engine.supports.get(Produce.key), engine.supports.has(DescribeTopicPartitions.key)], [[3, 9], true])
  t.equal(oldest!.askedFor(Produce).at(-1)!.version, 12)
})

t.test('an api that nobody serves is refused by its name', async t => {
  const engine = await openEngine(t, await FakeCluster.start(t, 1))
  await t.rejects(new Client(engine).call(SaslHandshake, { mechanism: 'PLAIN' }, { version: 1 }), /SaslHandshake is not supported/)
})

t.test('the engine opens if any broker answers, says why if none does, and where they were asked for', async t => {
  const cluster = await FakeCluster.start(t, 3)
  await cluster.brokers[0]!.stop()
  const engine = await openEngine(t, cluster)
  t.strictSame([engine.state, engine.clusterId, engine.failure], ['ready', 'fake-cluster', null])
  await Promise.all(cluster.brokers.map(broker => broker.stop()))
  const other = new ClusterEngine({
    bootstrap: cluster.bootstrap, nodes: { own: 0, live: () => [0] }, passAdministration: false, connectTimeoutMs: 50
  }, { security: plain })
  t.teardown(() => other.close())
  await t.rejects(other.open(), new RegExp(`No broker of the cluster can be reached at .*${cluster.brokers[2]!.port}: .*`))
  t.equal(other.state, 'failed')
})

t.test('close leaves nothing open, whatever is under way', async t => {
  const cluster = await FakeCluster.start(t, 3)
  cluster.topic('a', [0, 1, 2])
  const engine = await openEngine(t, cluster)
  const all = [0, 1, 2].map(partition => ['a', partition, 0] as const)
  const clients = [new Client(engine), new Client(engine, 'http'), new Client(engine)]
  await Promise.all(clients.map(client => client.fetch(all)))
  const waiting = clients.map(client => client.fetch(all, { maxWaitMs: 30_000 }).catch(() => null))
  cluster.brokers[1]!.on(CreateTopics, never)
  waiting.push(clients[2]!.call(CreateTopics, { topics: [], timeoutMs: 1000 }).catch(() => null) as never)
  await until(() => cluster.connections > 8)
  const { ms } = await timed(engine.close())
  t.ok(ms < PROMPT_MS, `${ms} ms`)
  await until(() => cluster.connections === 0)
  await t.rejects(clients[0]!.call(Metadata, { topics: [] }), /stops/)
  await Promise.all(waiting)
  t.equal(engine.state, 'closed')
  t.equal(cluster.connections, 0, 'and nothing was opened after that')
})
