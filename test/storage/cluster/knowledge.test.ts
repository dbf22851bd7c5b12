/**
 * What the engine knows of the cluster, and what it lets clients know: leaders that are not older than what it knew, topics by
 * name and id, and gateways instead of brokers.
 */
import t from 'tap'
import { Produce } from '../../../protocol/messages/00-produce.ts'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { OffsetCommit } from '../../../protocol/messages/08-offset-commit.ts'
import { OffsetFetch } from '../../../protocol/messages/09-offset-fetch.ts'
import { CreateTopics } from '../../../protocol/messages/19-create-topics.ts'
import { DescribeConfigs } from '../../../protocol/messages/32-describe-configs.ts'
import { DescribeCluster } from '../../../protocol/messages/60-describe-cluster.ts'
import { DescribeTopicPartitions } from '../../../protocol/messages/75-describe-topic-partitions.ts'
import { writeResponse } from '../../../protocol/frame.ts'
import type { Api, RequestInput } from '../../../protocol/schema.ts'
import { batchOf } from '../../support/batches.ts'
import { FakeCluster } from '../../support/fake-cluster.ts'
import { Client, fetchedText, nameOf, openEngine } from './support.ts'

const gateways = { own: 3, live: () => [3, 4] }

t.test('clients see the gateways, partitions and groups spread over them, and the topics as they are', async t => {
  const cluster = await FakeCluster.start(t, 3)
  cluster.topic('a', [0, 1, 2, 0])
  cluster.lead('a', 3, -1)
  const client = new Client(await openEngine(t, cluster, { nodes: gateways }))
  const { brokers, controllerId, clusterId, topics } = await client.call(Metadata, { topics: null }, { version: 12 })
  t.strictSame(brokers.map(({ nodeId, host, port, rack }) => [nodeId, host, port, rack]), [[3, '', 0, null], [4, '', 0, null]])
  t.strictSame([controllerId, clusterId, topics[0]!.topicId], [3, 'fake-cluster', cluster.topics.get('a')!.id])
  const [first, second, third, lost] = topics[0]!.partitions
  t.same([first!.leaderId, second!.leaderId, third!.leaderId].toSorted(), first!.leaderId === 3 ? [3, 3, 4] : [3, 4, 4])
  t.not(first!.leaderId, second!.leaderId)
  for (const { leaderId, replicaNodes, isrNodes } of [first!, second!, third!]) t.strictSame([replicaNodes, isrNodes], [[leaderId], [leaderId]])
  t.strictSame([lost!.leaderId, lost!.isrNodes, lost!.offlineReplicas.length, nameOf(lost!.errorCode)], [-1, [], 1, 'LEADER_NOT_AVAILABLE'])
})

t.test('who has made a topic is told of it by the broker that made it: the others may not know it yet', async t => {
  const cluster = await FakeCluster.start(t, 3)
  cluster.brokers[0]!.on(CreateTopics, () => ({ topics: [{ name: 'a', errorCode: 0 }] }))
  const engine = await openEngine(t, cluster)
  for (let i = 0; i < 3; i++) {
    const client = new Client(engine)
    await client.call(CreateTopics, { topics: [{ name: 'a', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }], timeoutMs: 1000 })
    await client.call(Metadata, { topics: [{ name: 'a' }], allowAutoTopicCreation: false })
  }
  const asked = cluster.brokers.map(broker => broker.askedFor(Metadata).filter(({ clientId }) => clientId === 'test').length)
  t.strictSame(asked, [3, 0, 0])
})

t.test('no answer of any version tells of a broker: not its address, number or rack', async t => {
  const cluster = await FakeCluster.start(t, 3)
  const { id } = cluster.topic('a', [0, 1, 2])
  const engine = await openEngine(t, cluster, { nodes: gateways })
  const [broker] = cluster.brokers
  for (const { id, host, port, rack } of cluster.brokers) {
    const nodes = cluster.brokers.map(({ id, host, port, rack }) => ({ brokerId: id, host, port, rack }))
    cluster.broker(id).on(DescribeCluster, () => ({ clusterId: 'fake-cluster', controllerId: id, brokers: nodes }))
    cluster.broker(id).on(DescribeTopicPartitions, () => ({
      topics: [{
        errorCode: 0,
        name: 'a',
        topicId: cluster.topics.get('a')!.id,
        partitions: [{
          errorCode: 0,
          partitionIndex: 0,
          leaderId: id,
          replicaNodes: [id],
          isrNodes: [id],
          eligibleLeaderReplicas: [id],
          lastKnownElr: [id],
          offlineReplicas: [id]
        }]
      }]
    }))
    const configs = [
      ['advertised.listeners', `PLAINTEXT://${host}:${port}`], ['broker.rack', rack], ['node.id', String(id)], ['num.io.threads', '8']
    ].map(([name, value]) => ({ name, value, readOnly: true, isSensitive: false }))
    cluster.broker(id).on(DescribeConfigs, ({ request: { resources } }) => ({
      results: resources.map(({ resourceType, resourceName }) => ({ errorCode: 0, errorMessage: null, resourceType, resourceName, configs }))
    }))
  }
  const produce = { acks: 1, timeoutMs: 100, topicData: [{ name: 'a', topicId: id, partitionData: [{ index: 0, records: [batchOf(['x']).bytes] }] }] }
  const fetch = (version: number, ...indexes: number[]): RequestInput<typeof Fetch> => ({
    maxWaitMs: 0,
    minBytes: 0,
    topics: [{ topic: 'a', topicId: id, partitions: indexes.map(partition => ({ partition, fetchOffset: 0, partitionMaxBytes: 999 })) }],
    ...version >= 11 && { rackId: broker!.rack }
  })
  const requests: [Api, (version: number) => object][] = [
    [Metadata, () => ({ topics: [{ name: 'a' }] })], [Produce, () => produce],
    [Fetch, version => fetch(version, 0, 1, 2)], [Fetch, version => fetch(version, 1)], [DescribeCluster, () => ({})],
    [DescribeTopicPartitions, () => ({ topics: [{ name: 'a' }] })],
    [DescribeConfigs, () => ({ resources: [{ resourceType: 4, resourceName: '3', configurationKeys: null }] })]
  ]
  const ids = cluster.brokers.map(({ id }) => id)
  for (const [api, request] of requests) {
    for (let version = api.versions[0]; version <= api.versions[1]; version++) {
      const answer = await new Client(engine).call(api, request(version) as never, { version })
      const bytes = Buffer.concat(writeResponse(api, version, 0, answer as never))
      for (const { host, port, rack } of cluster.brokers) {
        const number = Buffer.alloc(4)
        number.writeInt32BE(port)
        for (const secret of [host, rack, number]) if (bytes.includes(secret)) t.fail(`${api.name} v${version} tells ${String(secret)}`)
      }
      for (const number of numbersIn(answer)) if (ids.includes(number)) t.fail(`${api.name} v${version} tells of broker ${number}`)
    }
  }
  const resources = ['3', '71'].map(resourceName => ({ resourceType: 4, resourceName, configurationKeys: null }))
  const { results } = await new Client(engine).call(DescribeConfigs, { resources })
  t.strictSame(results.map(({ resourceName, errorCode, configs }) => [resourceName, nameOf(errorCode), configs.map(({ name }) => name)]),
    [['3', 'NONE', ['num.io.threads']], ['71', 'INVALID_REQUEST', []]])
})

t.test('an older leader epoch is not believed; a topic made anew is', async t => {
  const cluster = await FakeCluster.start(t, 2)
  const { partitions: [partition] } = cluster.topic('a', [0])
  const client = new Client(await openEngine(t, cluster))
  partition!.epoch = 7
  t.strictSame(await client.produce([['a', 0]]), ['a-0 NONE 0'])
  Object.assign(partition!, { leader: cluster.brokers[1]!.id, epoch: 6 })
  for (const version of [12, 5]) {
    await client.call(Metadata, { topics: [{ name: 'a' }] }, { version })
    await client.produce([['a', 0]])
    t.equal(cluster.brokers[1]!.askedFor(Produce).length, 0, `not by Metadata v${version}`)
  }
  Object.assign(partition!, { epoch: 8 })
  await client.call(Metadata, { topics: [{ name: 'a' }] })
  t.strictSame(await client.produce([['a', 0]]), ['a-0 NONE 1'])
  const anew = [{ leader: cluster.brokers[0]!.id, epoch: 0, batches: [] }]
  cluster.topics.set('a', { name: 'a', id: 'YW5vdGhlci1hLTEyMzQ1Ng', partitions: anew })
  await client.call(Metadata, { topics: [{ name: 'a' }] })
  t.strictSame(await client.produce([['a', 0]]), ['a-0 NONE 0'])
})

t.test('a client that asks in a version without ids takes none away from the others', async t => {
  const cluster = await FakeCluster.start(t, 2)
  const { id } = cluster.topic('a', [0, 1])
  const client = new Client(await openEngine(t, cluster))
  await client.call(Metadata, { topics: [{ name: 'a' }] })
  await client.call(Metadata, { topics: [{ name: 'a' }] }, { version: 4 })
  const before = cluster.askedFor(Metadata).length
  const topicData = [{ topicId: id, partitionData: [{ index: 1, records: [batchOf(['x']).bytes] }] }]
  const { responses } = await client.call(Produce, { acks: -1, timeoutMs: 1000, topicData }, { version: 13 })
  t.equal(nameOf(responses[0]!.partitionResponses[0]!.errorCode), 'NONE')
  t.equal(cluster.askedFor(Metadata).length, before, 'the name behind the id was known')
})

t.test('with no broker to be reached, Metadata still sends clients to the gateways, and nothing is forgotten over it', async t => {
  const cluster = await FakeCluster.start(t, 2)
  const { id } = cluster.topic('a', [0, 1])
  const engine = await openEngine(t, cluster, { nodes: gateways })
  const client = new Client(engine)
  await client.produce([['a', 0], ['a', 1]])
  await Promise.all(cluster.brokers.map(broker => broker.stop()))
  const { brokers, topics } = await client.call(Metadata, { topics: [{ name: 'a' }, { name: null, topicId: id }] }, { version: 12 })
  t.strictSame(brokers.map(({ nodeId }) => nodeId), [3, 4])
  t.strictSame(topics.map(({ name, topicId, errorCode }) => [name, topicId, nameOf(errorCode)]),
    [['a', 'AAAAAAAAAAAAAAAAAAAAAA', 'LEADER_NOT_AVAILABLE'], [null, id, 'LEADER_NOT_AVAILABLE']])
  const pages = await client.call(DescribeTopicPartitions, { topics: [{ name: 'a' }] })
  t.strictSame(pages.topics.map(({ errorCode }) => nameOf(errorCode)), ['LEADER_NOT_AVAILABLE'])
  t.strictSame([...engine.brokers.keys()], cluster.brokers.map(({ id }) => id), 'the brokers are still those of the cluster')
  t.strictSame(await client.produce([['a', 0]]), ['a-0 NOT_LEADER_OR_FOLLOWER -1'], 'which is tried again, as UNKNOWN_TOPIC_OR_PARTITION may not be')
  await Promise.all(cluster.brokers.map(broker => broker.start()))
  t.equal(await client.produced('a', 0), 'a-0 NONE 1', 'it goes on')
})

t.test('a broker that has moved is found where it is', async t => {
  const cluster = await FakeCluster.start(t, 2)
  cluster.topic('a', [0, 1])
  const other = new FakeCluster(2)
  other.topics.set('a', cluster.topics.get('a')!)
  const moved = other.brokers[1]!
  const client = new Client(await openEngine(t, cluster))
  await client.produce([['a', 1]])
  await moved.start()
  t.teardown(() => moved.stop())
  await cluster.brokers[1]!.stop()
  cluster.brokers[1] = moved
  t.equal(await client.produced('a', 1), 'a-1 NONE 1')
  t.equal(moved.askedFor(Produce).length, 1)
})

t.test('requests by name go out in a version with names, those with ids as they are', async t => {
  const cluster = await FakeCluster.start(t, 1)
  const { id } = cluster.topic('a', [0])
  const [broker] = cluster.brokers
  const client = new Client(await openEngine(t, cluster), 'http')
  const partitionData = (): object[] => [{ index: 0, records: [batchOf(['x']).bytes] }]
  for (const topic of [{ name: 'a' }, { topicId: id }]) {
    const { responses } = await client.call(Produce, { acks: -1, timeoutMs: 1000, topicData: [{ ...topic, partitionData: partitionData() as never }] })
    t.equal(nameOf(responses[0]!.partitionResponses[0]!.errorCode), 'NONE')
  }
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }]
  t.strictSame(fetchedText(await client.call(Fetch, { maxWaitMs: 0, minBytes: 0, topics: [{ topic: 'a', partitions }] })), ['a-0 NONE 2 2'])
  t.strictSame(fetchedText(await client.call(Fetch, { maxWaitMs: 0, minBytes: 0, topics: [{ topicId: id, partitions }] })), ['-0 NONE 2 2'])
  const offsets = [{ name: 'a', partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: null }] }]
  await client.call(OffsetCommit, { groupId: 'g', memberId: '', topics: offsets })
  await client.call(OffsetFetch, { groups: [{ groupId: 'g', topics: [{ name: 'a', partitionIndexes: [0] }] }] })
  await client.call(OffsetFetch, { groups: [{ groupId: 'g', topics: null }] })
  const versions = (api: Api): number[] => broker!.askedFor(api).map(({ version }) => version)
  t.strictSame([versions(Produce), versions(Fetch), versions(OffsetCommit), versions(OffsetFetch)],
    [[12, 13], [12, 17], [9], [9, OffsetFetch.versions[1]]])
})

/** Every number in an answer whose name says that it may be that of a broker. */
function numbersIn (value: unknown, name = ''): number[] {
  if (typeof value === 'number') return /(leader|node|broker|controller)Id$|Replica|Nodes|Elr/i.test(name) ? [value] : []
  if (typeof value === 'string') return /^\d+$/.test(value) ? [Number(value)] : []
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return []
  return Object.entries(value).flatMap(([key, inner]) => numbersIn(inner, Array.isArray(value) ? name : key))
}
