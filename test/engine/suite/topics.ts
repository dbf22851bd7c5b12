/**
 * Topics: made, described, grown and deleted.
 */
import type { Test } from 'tap'
import { errors } from '../../../protocol/errors.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { CreateTopics } from '../../../protocol/messages/19-create-topics.ts'
import { DeleteTopics } from '../../../protocol/messages/20-delete-topics.ts'
import { CreatePartitions } from '../../../protocol/messages/37-create-partitions.ts'
import { DescribeCluster } from '../../../protocol/messages/60-describe-cluster.ts'
import type { RequestInput } from '../../../protocol/schema.ts'
import { Client, LATEST, NO_ID, eventually, nameOf, newName, type Engine } from './kit.ts'

type NewTopic = RequestInput<typeof CreateTopics>['topics'][number]

const CHOOSING_TO_CREATE_SINCE = 4
const ASKING_BY_ID_SINCE = 12
const DELETING_BY_ID_SINCE = 6

export function topicSuite (t: Test, engine: Engine): void {
  const client = new Client(engine)

  const newest = client.versions(Metadata).at(-1)!

  async function create (topic: Partial<NewTopic> & { name: string }, { version, validateOnly = false }: { version?: number, validateOnly?: boolean } = {}) {
    const { topics } = await client.call(CreateTopics, {
      topics: [{ numPartitions: 1, replicationFactor: 1, assignments: [], configs: [], ...topic }], validateOnly
    }, version === undefined ? {} : { version })
    return topics[0]!
  }

  async function describe ({ name = null, topicId = NO_ID }: { name?: string | null, topicId?: string }, { version = newest, create = false } = {}) {
    const allowAutoTopicCreation = create || version < CHOOSING_TO_CREATE_SINCE
    const { topics } = await client.call(Metadata, { topics: [{ name, topicId }], allowAutoTopicCreation }, { version })
    return topics[0]!
  }

  t.test('every version makes a topic', async t => {
    for (const version of client.versions(CreateTopics)) {
      const name = newName()
      const { errorCode } = await create({ name, numPartitions: 3 }, { version })
      t.equal(nameOf(errorCode), 'NONE', `v${version}`)
      await client.ready(name, 3)
    }
  })

  t.test('the answer tells what was made (KIP-525)', async t => {
    const name = newName()
    const made = await create({ name, numPartitions: 2, replicationFactor: -1, configs: [{ name: 'retention.ms', value: '60000' }] })
    t.strictSame([made.numPartitions, made.replicationFactor, made.topicId === NO_ID], [2, engine.replicas ?? 1, false])
    t.match(made.configs!.find(({ name }) => name === 'retention.ms'), { value: '60000', configSource: 1 })
    t.equal((await client.ready(name, 2)).id, made.topicId)
  })

  const refusals: [sentence: string, topic: Partial<NewTopic>, error: string][] = [
    ['an empty name', { name: '' }, 'INVALID_TOPIC_EXCEPTION'],
    ['a name with a space', { name: 'a b' }, 'INVALID_TOPIC_EXCEPTION'],
    ['a name of dots', { name: '..' }, 'INVALID_TOPIC_EXCEPTION'],
    ['a name of 250 characters', { name: 'x'.repeat(250) }, 'INVALID_TOPIC_EXCEPTION'],
    ['no partitions', { numPartitions: 0 }, 'INVALID_PARTITIONS'],
    ['more replicas than brokers', { replicationFactor: (engine.replicas ?? 1) + 1 }, 'INVALID_REPLICATION_FACTOR'],
    ['a configuration that does not exist', { configs: [{ name: 'no.such.thing', value: '1' }] }, 'INVALID_CONFIG'],
    ['a configuration that makes no sense', { configs: [{ name: 'retention.ms', value: 'soon' }] }, 'INVALID_CONFIG'],
    ['an assignment to another broker', {
      numPartitions: -1, replicationFactor: -1, assignments: [{ partitionIndex: 0, brokerIds: [77] }]
    }, 'INVALID_REPLICA_ASSIGNMENT'],
    ['an assignment that begins at 1', {
      numPartitions: -1, replicationFactor: -1, assignments: [{ partitionIndex: 1, brokerIds: [1] }]
    }, 'INVALID_REPLICA_ASSIGNMENT'],
    ['a number beside an assignment', { numPartitions: 1, replicationFactor: -1, assignments: [{ partitionIndex: 0, brokerIds: [1] }] }, 'INVALID_REQUEST']
  ]
  for (const [sentence, topic, error] of refusals) {
    t.test(`${sentence} is refused, and no topic is made`, async t => {
      const name = topic.name ?? newName()
      t.equal(nameOf((await create({ ...topic, name })).errorCode), error)
      const { errorCode } = await describe({ name })
      t.ok(errorCode !== errors.NONE)
    })
  }

  t.test('a topic that is there is not made again, whatever else is wrong', async t => {
    const { name } = await client.topic()
    t.equal(nameOf((await create({ name })).errorCode), 'TOPIC_ALREADY_EXISTS')
    t.equal(nameOf((await create({ name, replicationFactor: 3 })).errorCode), 'TOPIC_ALREADY_EXISTS')
    t.equal(nameOf((await create({ name }, { validateOnly: true })).errorCode), 'TOPIC_ALREADY_EXISTS')
  })

  t.test('of those who make the same topic at once, one does', async t => {
    const name = newName()
    const results = await Promise.all(Array.from({ length: 5 }, () => create({ name })))
    t.strictSame(results.map(({ errorCode }) => nameOf(errorCode)).sort(), ['NONE', ...new Array<string>(4).fill('TOPIC_ALREADY_EXISTS')])
  })

  t.test('a topic that is named twice in one request is refused', async t => {
    const name = newName()
    const twice: NewTopic = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
    const { topics } = await client.call(CreateTopics, { topics: [twice, { ...twice }] })
    for (const { errorCode } of topics) t.equal(nameOf(errorCode), 'INVALID_REQUEST')
    t.equal(nameOf((await describe({ name })).errorCode), 'UNKNOWN_TOPIC_OR_PARTITION')
  })

  t.test('to validate is not to make', async t => {
    const name = newName()
    t.equal(nameOf((await create({ name }, { validateOnly: true })).errorCode), 'NONE')
    t.equal(nameOf((await describe({ name })).errorCode), 'UNKNOWN_TOPIC_OR_PARTITION')
  })

  t.test('every version of Metadata describes a topic by name', async t => {
    const { name, id } = await client.topic(2)
    for (const version of client.versions(Metadata)) {
      const topic = await describe({ name }, { version })
      t.strictSame([topic.name, topic.isInternal, topic.partitions.map(({ partitionIndex }) => partitionIndex).sort()], [name, false, [0, 1]], `v${version}`)
      if (version >= ASKING_BY_ID_SINCE) t.strictSame((await describe({ topicId: id }, { version })).name, name)
    }
  })

  t.test('null asks for every topic, an empty list for none; in v0, which has no null, for every topic', async t => {
    const { name } = await client.topic()
    const names = async (topics: null | [], version: number): Promise<string[]> =>
      (await client.call(Metadata, { topics }, { version })).topics.map(topic => topic.name!)
    const [oldest] = client.versions(Metadata)
    t.ok((await names(null, 1)).includes(name))
    t.strictSame(await names([], 1), [])
    t.equal(oldest, 0)
    t.ok((await names([], 0)).includes(name))
  })

  t.test('what is not there is told, and a name that cannot be', async t => {
    t.equal(nameOf((await describe({ name: newName() })).errorCode), 'UNKNOWN_TOPIC_OR_PARTITION')
    t.equal(nameOf((await describe({ name: 'a b' })).errorCode), 'INVALID_TOPIC_EXCEPTION')
    t.equal(nameOf((await describe({ name: 'a b' }, { create: true })).errorCode), 'INVALID_TOPIC_EXCEPTION')
    t.equal(nameOf((await describe({ topicId: Buffer.alloc(16, 9).toString('base64url') })).errorCode), 'UNKNOWN_TOPIC_ID')
  })

  t.test('asking for a topic makes it where the client allows it, once for all who ask', async t => {
    const name = newName()
    t.equal(nameOf((await describe({ name })).errorCode), 'UNKNOWN_TOPIC_OR_PARTITION')
    await Promise.all([1, 2, 3].map(() => describe({ name }, { create: true })))
    const { id } = await eventually(async () => (await describe({ name })).errorCode === errors.NONE ? await client.ready(name) : null)
    t.equal(await client.append({ name, id }, ['a']), 0)
  })

  t.test('a topic is deleted by name or by id, with all its records', async t => {
    for (const byId of [false, true]) {
      const topic = await client.topic(2)
      await client.append(topic, ['old'])
      t.equal(await client.deleteTopic(byId ? { id: topic.id } : { name: topic.name }), 'NONE')
      await eventually(async () => (await describe({ name: topic.name })).errorCode !== errors.NONE ? true : null)
      t.equal(nameOf((await describe({ topicId: topic.id })).errorCode), 'UNKNOWN_TOPIC_ID')
      const again = await client.topic(1, {}, topic.name)
      t.not(again.id, topic.id)
      t.equal(await client.offset(again, LATEST), 0)
      t.equal(await client.append(again, ['new']), 0)
    }
  })

  t.test('what is not there cannot be deleted', async t => {
    t.equal(await client.deleteTopic({ name: newName() }), 'UNKNOWN_TOPIC_OR_PARTITION')
    t.equal(await client.deleteTopic({ id: Buffer.alloc(16, 9).toString('base64url') }), 'UNKNOWN_TOPIC_ID')
    const { name, id } = await client.topic()
    const { responses: [both] } = await client.call(DeleteTopics, { topics: [{ name, topicId: id }], timeoutMs: 30_000 })
    t.equal(nameOf(both!.errorCode), 'INVALID_REQUEST', 'a name and an id')
    for (const version of client.versions(DeleteTopics).filter(version => version < DELETING_BY_ID_SINCE)) {
      const { responses } = await client.call(DeleteTopics, { topicNames: [`${name}-gone`], timeoutMs: 30_000 }, { version })
      t.strictSame(responses.map(({ name, errorCode }) => [name, nameOf(errorCode)]), [[`${name}-gone`, 'UNKNOWN_TOPIC_OR_PARTITION']], `v${version}`)
    }
    const { responses } = await client.call(DeleteTopics, { topicNames: [name], timeoutMs: 30_000 }, { version: DELETING_BY_ID_SINCE - 1 })
    t.equal(nameOf(responses[0]!.errorCode), 'NONE')
  })

  t.test('a topic can be given more partitions, and keeps its records', async t => {
    const topic = await client.topic()
    await client.append(topic, ['a'])
    const grow = async (name: string, count: number, validateOnly = false): Promise<string> => {
      const { results } = await client.call(CreatePartitions, { topics: [{ name, count, assignments: null }], timeoutMs: 30_000, validateOnly })
      return nameOf(results[0]!.errorCode)
    }
    t.equal(await grow(topic.name, 3, true), 'NONE')
    t.equal((await describe({ name: topic.name })).partitions.length, 1)
    t.equal(await grow(topic.name, 3), 'NONE')
    t.equal((await client.ready(topic.name, 3)).id, topic.id)
    t.strictSame(await client.values(topic), ['a'])
    t.equal(await client.append(topic, ['b'], 2), 0)
    t.equal(await grow(topic.name, 3), 'INVALID_PARTITIONS')
    t.equal(await grow(topic.name, 2), 'INVALID_PARTITIONS')
    t.equal(await grow(newName(), 2), 'UNKNOWN_TOPIC_OR_PARTITION')
  })

  t.test('the cluster says who it is, and its brokers are those of Metadata', async t => {
    const { clusterId, controllerId, brokers } = await client.call(Metadata, { topics: [] })
    for (const version of client.versions(DescribeCluster)) {
      const cluster = await client.call(DescribeCluster, { includeClusterAuthorizedOperations: false }, { version })
      t.equal(cluster.clusterId, clusterId)
      t.strictSame(cluster.brokers.map(({ brokerId }) => brokerId), brokers.map(({ nodeId }) => nodeId))
    }
    t.ok(brokers.some(({ nodeId }) => nodeId === controllerId))
  })
}
