/** @platformatic/kafka: the modern client of Node, which speaks newer versions than kafkajs. */
import t, { type Test } from 'tap'
import { inspect } from 'node:util'
import {
  Admin, Consumer, Producer, MessagesStreamModes, stringDeserializers, stringSerializers, type Message, type CompressionAlgorithmValue
} from '@platformatic/kafka'
import { ListGroups } from '../../protocol/messages/16-list-groups.ts'
import { needs } from './support/against.ts'
import { topicName } from './support/lines.ts'
import { startServer } from './support/server.ts'

const server = await startServer(t)
const base = { clientId: 'interop', bootstrapBrokers: [server.kafka] }

const admin = new Admin(base)
t.teardown(() => admin.close())

async function createTopic (what: string, partitions = 1): Promise<string> {
  const topic = topicName(what)
  await admin.createTopics({ topics: [topic], partitions, replicas: 1 })
  return topic
}

type TextProducer = Producer<string, string, string, string>
type TextConsumer = Consumer<string, string, string, string>
type TextMessage = Message<string, string, string, string>

function newProducer (t: Test): TextProducer {
  const producer = new Producer({ ...base, serializers: stringSerializers })
  t.teardown(() => producer.close(true))
  return producer
}

function newConsumer (t: Test, groupId = topicName('group')): TextConsumer {
  const consumer = new Consumer({ ...base, groupId, deserializers: stringDeserializers, maxWaitTime: 200, sessionTimeout: 10_000, heartbeatInterval: 500 })
  t.teardown(() => consumer.close(true))
  return consumer
}

async function read (consumer: TextConsumer, topic: string, count: number): Promise<TextMessage[]> {
  const stream = await consumer.consume({ topics: [topic], mode: MessagesStreamModes.COMMITTED, fallbackMode: 'earliest', autocommit: false })
  const messages: TextMessage[] = []
  for await (const message of stream) {
    messages.push(message)
    if (messages.length === count) break
  }
  const last = messages.at(-1)!
  await last.commit()
  await stream.close()
  return messages
}

t.test('values, keys, headers and timestamps go both ways', async t => {
  const topic = await createTopic('platformatic')
  const { offsets } = await newProducer(t).send({
    messages: [
      { topic, key: 'k', value: 'naïve 日本', headers: { trace: 'abc' }, timestamp: 1700000000123n },
      { topic, key: 'l', value: '' }
    ],
    acks: -1
  })
  t.match(offsets, [{ topic, partition: 0, offset: 0n }])
  const [first, second] = await read(newConsumer(t), topic, 2)
  t.match(first, { key: 'k', value: 'naïve 日本', timestamp: 1700000000123n, offset: 0n })
  t.strictSame([...first!.headers], [['trace', 'abc']])
  t.match(second, { key: 'l', value: '', offset: 1n })
})

for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const satisfies readonly CompressionAlgorithmValue[]) {
  t.test(`${compression} goes both ways, from an idempotent producer`, async t => {
    const topic = await createTopic(`platformatic-${compression}`)
    const producer = new Producer({ ...base, serializers: stringSerializers, idempotent: true, compression })
    t.teardown(() => producer.close(true))
    const values = Array.from({ length: 300 }, (_, i) => `value ${i} ${'x'.repeat(100)}`)
    for (let i = 0; i < values.length; i += 100) {
      await producer.send({ messages: values.slice(i, i + 100).map(value => ({ topic, key: 'k', value })) })
    }
    t.strictSame((await read(newConsumer(t), topic, 300)).map(message => message.value), values)
  })
}

t.test('a group goes on where it has committed', async t => {
  const topic = await createTopic('platformatic-commit')
  const groupId = topicName('group')
  const producer = newProducer(t)
  await producer.send({ messages: ['a', 'b'].map(value => ({ topic, key: 'k', value })) })
  const consumer = newConsumer(t, groupId)
  t.equal((await read(consumer, topic, 2)).length, 2)
  await producer.send({ messages: [{ topic, key: 'k', value: 'c' }] })
  t.strictSame((await consumer.listCommittedOffsets({ topics: [{ topic, partitions: [0] }] })).get(topic), [2n])
  await consumer.close(true)
  t.match(await read(newConsumer(t, groupId), topic, 1), [{ value: 'c', offset: 2n }])
})

t.test('the admin client: topics, partitions, configurations, groups', async t => {
  const topic = await createTopic('platformatic-admin')
  t.ok((await admin.listTopics()).includes(topic))
  await admin.createPartitions({ topics: [{ name: topic, count: 3, assignments: null }] as never })
  const metadata = await admin.metadata({ topics: [topic] })
  t.equal(metadata.topics.get(topic)!.partitionsCount, 3)
  t.match([...metadata.brokers.values()].map(({ host, port }) => `${host}:${port}`), [server.kafka])

  const groupId = topicName('group')
  const consumer = newConsumer(t, groupId)
  await consumer.consume({ topics: [topic], mode: 'latest' })
  const { skip } = await needs(server, ListGroups, 5)
  // Who knows no types of groups has none but this one.
  t.match((await admin.listGroups()).get(groupId), { id: groupId, ...skip === undefined && { groupType: 'classic' } })
  const group = (await admin.describeGroups({ groups: [groupId] })).get(groupId)!
  t.match(group, { state: /^stable$/i, protocolType: 'consumer' })
  t.match([...group.members.values()], [{ clientId: 'interop', clientHost: /127\.0\.0\.1/ }])
  await consumer.close(true)
  await admin.deleteGroups({ groups: [groupId] })
  t.notOk((await admin.listGroups()).has(groupId))

  await admin.deleteTopics({ topics: [topic] })
  t.notOk((await admin.listTopics()).includes(topic))
})

t.test('errors arrive as what they are', async t => {
  const topic = await createTopic('platformatic-errors')
  const failed = await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1 }).then(() => null, (error: unknown) => error)
  t.match(inspect(failed, { depth: 10 }), 'TOPIC_ALREADY_EXISTS')
})
