/** kafkajs: the classic client of Node. */
import t, { type Test } from 'tap'
import { EventEmitter, once } from 'node:events'
import kafkajs, { type Consumer, type KafkaMessage } from 'kafkajs'
import { topicName } from './support/lines.ts'
import { startServer } from './support/server.ts'
import { eventually, makeTopic, partitionsOf } from './support/topics.ts'

const { Kafka, logLevel, CompressionTypes, ConfigResourceTypes } = kafkajs
const server = await startServer(t)
const kafka = new Kafka({ brokers: [server.kafka], clientId: 'interop', logLevel: logLevel.NOTHING })
const admin = kafka.admin()
await admin.connect()
t.teardown(() => admin.disconnect())

async function createTopic (t: Test, what: string, numPartitions = 1): Promise<string> {
  const topic = topicName(what)
  t.equal(await makeTopic(admin, topic, numPartitions), true)
  return topic
}

type Message = KafkaMessage & { readonly partition: number }

/** Reads with a group until `count` messages are there. */
async function readWith (consumer: Consumer, topic: string, count: number): Promise<Message[]> {
  const messages: Message[] = []
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const enough = new Promise<void>(resolve => {
    consumer.run({
      eachMessage: async ({ message, partition }) => {
        messages.push({ ...message, partition })
        if (messages.length === count) resolve()
      }
    })
  })
  await enough
  await consumer.disconnect()
  return messages
}

const groupConsumer = (groupId = topicName('group')): Consumer => kafka.consumer({ groupId, maxWaitTimeInMs: 200 })

t.test('values, keys, headers and timestamps go both ways', async t => {
  const topic = await createTopic(t, 'kafkajs')
  const producer = kafka.producer()
  await producer.connect()
  t.teardown(() => producer.disconnect())
  const sent = await producer.send({
    topic,
    acks: -1,
    messages: [
      { key: 'k', value: 'naïve 日本', headers: { trace: 'abc', many: ['1', '2'] }, timestamp: '1700000000123' },
      { key: null, value: Buffer.from([0, 255]) },
      { key: 'gone', value: null }
    ]
  })
  t.match(sent, [{ errorCode: 0, partition: 0, baseOffset: '0' }])
  const [first, second, third] = await readWith(groupConsumer(), topic, 3)
  t.match(first, { offset: '0', timestamp: '1700000000123', key: Buffer.from('k'), value: Buffer.from('naïve 日本') })
  t.strictSame(first!.headers?.['trace'], Buffer.from('abc'))
  t.strictSame(first!.headers?.['many'], [Buffer.from('1'), Buffer.from('2')])
  t.match(second, { offset: '1', key: null, value: Buffer.from([0, 255]) })
  t.match(third, { offset: '2', key: Buffer.from('gone'), value: null })
})

t.test('gzip goes both ways', async t => {
  const topic = await createTopic(t, 'kafkajs-gzip')
  const producer = kafka.producer({ idempotent: true })
  await producer.connect()
  t.teardown(() => producer.disconnect())
  const values = Array.from({ length: 300 }, (_, i) => `value ${i} ${'x'.repeat(100)}`)
  await producer.send({ topic, compression: CompressionTypes.GZIP, messages: values.map(value => ({ value })) })
  t.strictSame((await readWith(groupConsumer(), topic, 300)).map(message => message.value!.toString()), values)
})

t.test('a key decides the partition, and each partition keeps its order', async t => {
  const topic = await createTopic(t, 'kafkajs-keys', 4)
  // A Kafka tells who leads partitions a moment before they may be written to. Refused one of them, kafkajs sends all of them again.
  const producer = kafka.producer({ idempotent: true })
  await producer.connect()
  t.teardown(() => producer.disconnect())
  for (let i = 0; i < 10; i++) {
    await producer.send({ topic, messages: Array.from({ length: 10 }, (_, key) => ({ key: `key-${key}`, value: `${i}` })) })
  }
  const messages = await readWith(groupConsumer(), topic, 100)
  const byKey = Map.groupBy(messages, message => message.key!.toString())
  for (const [key, ofKey] of byKey) {
    t.equal(new Set(ofKey.map(message => message.partition)).size, 1, `${key} in one partition`)
    t.strictSame(ofKey.map(message => Number(message.value)), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], `${key} in order`)
  }
  t.ok(new Set(messages.map(message => message.partition)).size > 1)
})

t.test('a group goes on where it has committed', async t => {
  const topic = await createTopic(t, 'kafkajs-commit')
  const groupId = topicName('group')
  const producer = kafka.producer()
  await producer.connect()
  t.teardown(() => producer.disconnect())
  await producer.send({ topic, messages: [{ value: 'a' }, { value: 'b' }] })
  t.equal((await readWith(groupConsumer(groupId), topic, 2)).length, 2)
  t.match(await admin.fetchOffsets({ groupId, topics: [topic] }), [{ topic, partitions: [{ partition: 0, offset: '2' }] }])
  await producer.send({ topic, messages: [{ value: 'c' }] })
  t.match(await readWith(groupConsumer(groupId), topic, 1), [{ offset: '2', value: Buffer.from('c') }])
})

t.test('two members share the partitions, and one that leaves gives up its own', async t => {
  const topic = await createTopic(t, 'kafkajs-share', 4)
  const groupId = topicName('group')
  const join = async (): Promise<{ consumer: Consumer, assigned: () => number[], next: () => Promise<unknown> }> => {
    const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 200, heartbeatInterval: 500, sessionTimeout: 10_000 })
    let assigned: number[] = []
    const joins = new EventEmitter()
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      assigned = payload.memberAssignment[topic] ?? []
      joins.emit('join')
    })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    const first = once(joins, 'join')
    await consumer.run({ eachMessage: async () => {} })
    await first
    t.teardown(() => consumer.disconnect())
    return { consumer, assigned: () => assigned, next: () => once(joins, 'join') }
  }
  const first = await join()
  t.strictSame(first.assigned().length, 4)
  const rebalanced = first.next()
  const second = await join()
  await rebalanced
  t.strictSame([...first.assigned(), ...second.assigned()].sort(), [0, 1, 2, 3])
  t.equal(second.assigned().length, 2)
  const taken = first.next()
  await second.consumer.disconnect()
  await taken
  t.strictSame(first.assigned().length, 4)
})

t.test('the admin client: topics, partitions, configurations, offsets, groups', async t => {
  const topic = await createTopic(t, 'kafkajs-admin')
  t.ok((await admin.listTopics()).includes(topic))
  t.match(await admin.fetchTopicMetadata({ topics: [topic] }), { topics: [{ name: topic, partitions: [{ partitionId: 0, partitionErrorCode: 0 }] }] })
  await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] })
  await eventually('three partitions', async () => (await partitionsOf(admin, topic)).length === 3)
  const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: [{ type: ConfigResourceTypes.TOPIC, name: topic }] })
  t.ok(resources[0]!.configEntries.some(entry => entry.configName === 'retention.ms'))
  t.match(await admin.fetchTopicOffsets(topic), [{ low: '0', high: '0' }, { low: '0', high: '0' }, { low: '0', high: '0' }])
  t.match((await admin.describeCluster()).brokers, [{ host: '127.0.0.1' }])
  await admin.deleteTopics({ topics: [topic] })
  await eventually('a deleted topic is listed no more', async () => !(await admin.listTopics()).includes(topic))
})

t.test('errors arrive as what they are', async t => {
  const topic = await createTopic(t, 'kafkajs-errors')
  t.equal(await admin.createTopics({ topics: [{ topic }] }), false, 'a topic that exists is not created again')
  const errorsOf = (error: unknown): readonly { readonly type: string }[] => (error as { errors: { type: string }[] }).errors
  t.match(errorsOf(await admin.createTopics({ topics: [{ topic: 'not allowed!' }] }).catch((error: unknown) => error)), [{ type: 'INVALID_TOPIC_EXCEPTION' }])
  await t.rejects(admin.deleteGroups([topicName('nobody')]), /GroupIdNotFound|DeleteGroups/)
})
