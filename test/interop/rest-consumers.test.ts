/**
 * Consumer instances and native consumers: one group, every record once; and the session with curl that Confluent's documentation
 * of its REST Proxy shows.
 */
import t, { type Test } from 'tap'
import kafkajs from 'kafkajs'
import { setTimeout as sleep } from 'node:timers/promises'
import { needsHttp } from './support/against.ts'
import { kafkaTool, startKafkaTool } from './support/java.ts'
import { startKcat } from './support/kcat.ts'
import { linesOf, topicName } from './support/lines.ts'
import { rangeAssigner } from './support/range-assigner.ts'
import { succeed } from './support/run.ts'
import { startServer, type Server } from './support/server.ts'
import { makeTopic } from './support/topics.ts'

const V2 = 'application/vnd.kafka.v2+json'
const PARTITIONS = 4
const RECORDS = 200

const kafkaOf = (server: Server): kafkajs.Kafka => new kafkajs.Kafka({ brokers: [server.kafka], clientId: 'interop', logLevel: kafkajs.logLevel.NOTHING })

/** The status and the body. */
async function curl (...args: readonly string[]): Promise<[number, string]> {
  const out = await succeed('curl', ['-s', '-w', '\n%{http_code}', ...args])
  const end = out.lastIndexOf('\n')
  return [Number(out.slice(end + 1)), out.slice(0, end)]
}

t.test('with curl, as it is documented', needsHttp, async t => {
  const server = await startServer(t)
  const { http } = server
  const topic = topicName('jsontest')
  const [, produced] = await curl('-X', 'POST', '-H', 'Content-Type: application/vnd.kafka.json.v2+json', '-H', `Accept: ${V2}`,
    '--data', '{"records":[{"value":{"foo":"bar"}}]}', `${http}/topics/${topic}`)
  t.match(produced, '"offset":0')

  const [created, instance] = await curl('-X', 'POST', '-H', `Content-Type: ${V2}`,
    '--data', '{"name": "my_consumer_instance", "format": "json", "auto.offset.reset": "earliest"}', `${http}/consumers/my_json_consumer`)
  t.equal(created, 200)
  const base = `${http}/consumers/my_json_consumer/instances/my_consumer_instance`
  t.same(JSON.parse(instance), { instance_id: 'my_consumer_instance', base_uri: base })
  t.same(await curl('-X', 'POST', '-H', `Content-Type: ${V2}`, '--data', JSON.stringify({ topics: [topic] }), `${base}/subscription`), [204, ''])
  const [read, records] = await curl('-X', 'GET', '-H', 'Accept: application/vnd.kafka.json.v2+json', `${base}/records?timeout=10000`)
  t.equal(read, 200)
  t.same(JSON.parse(records), [{ topic, key: null, value: { foo: 'bar' }, partition: 0, offset: 0 }])

  t.same(await curl('-X', 'POST', '-H', `Content-Type: ${V2}`, '--data', JSON.stringify({ offsets: [{ topic, partition: 0, offset: 0 }] }),
    `${base}/offsets`), [200, '[]'])
  const [, offsets] = await curl('-X', 'GET', '-H', `Accept: ${V2}`, '-H', `Content-Type: ${V2}`,
    '--data', JSON.stringify({ partitions: [{ topic, partition: 0 }] }), `${base}/offsets`)
  t.same(JSON.parse(offsets), { offsets: [{ topic, partition: 0, offset: 1, metadata: '' }] })

  const described = await kafkaTool('consumer.group.ConsumerGroupCommand', ['--bootstrap-server', server.kafka, '--describe', '--group', 'my_json_consumer'])
  t.match(described, new RegExp(`my_json_consumer\\s+${topic}\\s+0\\s+1\\s+1\\s+0\\s+my_consumer_instance-\\S+\\s+/127\\.0\\.0\\.1\\s+my_consumer_instance`))
  t.same(await curl('-X', 'DELETE', '-H', `Content-Type: ${V2}`, base), [204, ''])
  const [status, gone] = await curl(`${base}/records`)
  t.equal(status, 404)
  t.same(JSON.parse(gone), { error_code: 40403, message: 'Consumer instance not found.' })
})

interface Native {
  readonly values: () => readonly string[]
}

/** Starts a native member, adds a REST instance to its group, and sees that each record is read once, by either. */
async function shares (t: Test, start: (t: Test, server: Server, topic: string, group: string) => Promise<Native>): Promise<void> {
  const server = await startServer(t)
  const topic = topicName('shared')
  const group = topicName('group')
  const kafka = kafkaOf(server)
  const admin = kafka.admin()
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner })
  await admin.connect()
  await producer.connect()
  t.teardown(() => Promise.all([admin.disconnect(), producer.disconnect()]))
  await makeTopic(admin, topic, PARTITIONS)

  const native = await start(t, server, topic, group)
  const ask = async (method: string, path: string, body?: object): Promise<any> => {
    const response = await fetch(server.http + path, { method, headers: { 'content-type': V2 }, ...body === undefined ? {} : { body: JSON.stringify(body) } })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return response.status === 204 ? null : await response.json()
  }
  await ask('POST', `/consumers/${group}`, { name: 'rest', format: 'json', 'auto.offset.reset': 'earliest', 'auto.commit.enable': 'false' })
  const path = `/consumers/${group}/instances/rest`
  await ask('POST', `${path}/subscription`, { topics: [topic] })
  const shared = async (): Promise<boolean> => (await ask('GET', `${path}/assignments`)).partitions.length === PARTITIONS / 2
  for (const deadline = Date.now() + 60_000; !await shared(); await sleep(100)) if (Date.now() > deadline) throw new Error('the partitions are not shared')

  const send = (from: number): Promise<unknown> => producer.send({
    topic, messages: Array.from({ length: RECORDS }, (_, i) => ({ value: `${from + i}`, partition: i % PARTITIONS }))
  })
  const read: string[] = []
  const readAll = async (count: number): Promise<void> => {
    for (const deadline = Date.now() + 60_000; read.length + native.values().length < count;) {
      const records = await ask('GET', `${path}/records?timeout=500`) as { value: number }[]
      read.push(...records.map(({ value }) => String(value)))
      if (records.length > 0) await ask('POST', `${path}/offsets`)
      if (Date.now() > deadline) throw new Error(`after ${read.length} and ${native.values().length} of ${count} records nothing comes`)
    }
  }
  await send(0)
  await readAll(RECORDS)
  t.equal(read.length, RECORDS / 2, 'half of them by each')
  t.same([...read, ...native.values()].map(Number).sort((a, b) => a - b), Array.from({ length: RECORDS }, (_, i) => i), 'each record once')

  await ask('DELETE', path)
  await send(RECORDS)
  for (const deadline = Date.now() + 60_000; native.values().length < RECORDS * 3 / 2; await sleep(100)) if (Date.now() > deadline) break
  t.same([...read, ...native.values()].map(Number).sort((a, b) => a - b), Array.from({ length: RECORDS * 2 }, (_, i) => i),
    'the native member has it all then, and nothing twice')
}

t.test('a group with Java\'s console consumer', needsHttp, async t => shares(t, async (t, server, topic, group) => {
  const process = await startKafkaTool(t, 'consumer.ConsoleConsumer', [
    '--bootstrap-server', server.kafka, '--topic', topic, '--group', group, '--from-beginning', '--command-property', 'heartbeat.interval.ms=500'
  ])
  return { values: () => linesOf(process.stdout) }
}))

t.test('a group with librdkafka', needsHttp, async t => shares(t, async (t, server, topic, group) => {
  const process = startKcat(t, server.kafka, ['-q', '-u', '-G', group, '-X', 'auto.offset.reset=earliest', '-X', 'heartbeat.interval.ms=500', topic])
  return { values: () => linesOf(process.stdout) }
}))

t.test('a group with kafkajs', needsHttp, async t => shares(t, async (t, server, topic, group) => {
  const consumer = kafkaOf(server).consumer({ groupId: group, heartbeatInterval: 500, maxWaitTimeInMs: 200, partitionAssigners: [rangeAssigner] })
  const values: string[] = []
  await consumer.connect()
  t.teardown(() => consumer.disconnect())
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({ eachMessage: async ({ message }) => { values.push(message.value!.toString()) } })
  return { values: () => values }
}))
