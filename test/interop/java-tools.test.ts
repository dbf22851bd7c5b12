/** Kafka's own command line tools, which are its Java clients. */
import t from 'tap'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import { ListOffsets } from '../../protocol/messages/02-list-offsets.ts'
import { needs, needsFiles } from './support/against.ts'
import { KAFKA_VERSION } from './support/cache.ts'
import { kafkaTool, startKafkaTool, tryKafkaTool } from './support/java.ts'
import { linesOf, numberedLines, topicName } from './support/lines.ts'
import { startServer } from './support/server.ts'

const server = await startServer(t)
const bootstrap = ['--bootstrap-server', server.kafka]

async function createTopic (name: string, partitions = 1, ...more: readonly string[]): Promise<string> {
  return kafkaTool('TopicCommand', [...bootstrap, '--create', '--topic', name, '--partitions', `${partitions}`, ...more])
}

const produce = (topic: string, input: string, ...more: readonly string[]): Promise<string> =>
  kafkaTool('ConsoleProducer', [...bootstrap, '--topic', topic, ...more], { input })

const consume = (topic: string, count: number, ...more: readonly string[]): Promise<string> =>
  kafkaTool('consumer.ConsoleConsumer', [...bootstrap, '--topic', topic, '--max-messages', `${count}`, '--timeout-ms', '20000', ...more])

t.test('TopicCommand creates, lists, describes, alters and deletes', async t => {
  const topic = topicName('java-topics')
  t.match(await createTopic(topic, 3, '--config', 'retention.ms=3600000'), `Created topic ${topic}`)
  t.ok(linesOf(await kafkaTool('TopicCommand', [...bootstrap, '--list'])).includes(topic))
  const described = await kafkaTool('TopicCommand', [...bootstrap, '--describe', '--topic', topic])
  t.match(described, /PartitionCount: 3\s+ReplicationFactor: 1\s+Configs: .*retention\.ms=3600000/)
  t.equal(described.match(/Partition: \d\s+Leader: (\d+)\s+Replicas: \1\s+Isr: \1/g)?.length, 3)
  await kafkaTool('TopicCommand', [...bootstrap, '--alter', '--topic', topic, '--partitions', '5'])
  t.match(await kafkaTool('TopicCommand', [...bootstrap, '--describe', '--topic', topic]), 'PartitionCount: 5')
  await kafkaTool('TopicCommand', [...bootstrap, '--delete', '--topic', topic])
  t.notMatch(await kafkaTool('TopicCommand', [...bootstrap, '--list']), topic)
})

t.test('TopicCommand says why a topic cannot be', async t => {
  const topic = topicName('java-topics')
  await createTopic(topic)
  for (const [args, reason] of [
    [['--create', '--topic', topic], /TopicExistsException/],
    [['--create', '--topic', 'what?'], /InvalidTopicException|illegal|is invalid/i],
    [['--create', '--topic', topicName('x'), '--config', 'retention.ms=soon'], /InvalidConfigurationException|Invalid value/],
    [['--create', '--topic', topicName('x'), '--replication-factor', '5'], /InvalidReplicationFactorException/]
  ] as const) {
    const { code, stdout, stderr } = await tryKafkaTool('TopicCommand', [...bootstrap, ...args])
    t.equal(code, 1, args.join(' '))
    t.match(stdout + stderr, reason)
  }
})

t.test('ConsoleProducer and ConsoleConsumer: keys, headers, partitions, timestamps', async t => {
  const topic = topicName('java-console')
  await createTopic(topic)
  await produce(topic, 'trace:1|k1|first\ntrace:2|k2|second\n', '--reader-property', 'parse.key=true', '--reader-property', 'parse.headers=true',
    '--reader-property', 'headers.delimiter=|', '--reader-property', 'key.separator=|')
  const shown = await consume(topic, 2, '--from-beginning', '--formatter-property', 'print.key=true', '--formatter-property', 'print.headers=true',
    '--formatter-property', 'print.partition=true', '--formatter-property', 'print.offset=true', '--formatter-property', 'print.timestamp=true')
  t.match(linesOf(shown), [/^CreateTime:\d{13}\tPartition:0\tOffset:0\ttrace:1\tk1\tfirst$/, /Offset:1\ttrace:2\tk2\tsecond$/])
})

for (const codec of ['gzip', 'snappy', 'lz4', 'zstd']) {
  t.test(`${codec} goes both ways`, async t => {
    const topic = topicName(`java-${codec}`)
    const lines = numberedLines(300)
    await createTopic(topic)
    await produce(topic, lines.join('\n'), '--compression-codec', codec)
    t.strictSame(linesOf(await consume(topic, lines.length, '--from-beginning')), lines)
  })
}

t.test('a group commits, is described, listed and reset', async t => {
  const topic = topicName('java-group')
  const group = topicName('group')
  const groups = (...args: readonly string[]): Promise<string> => kafkaTool('consumer.group.ConsumerGroupCommand', [...bootstrap, ...args])
  await createTopic(topic)
  await produce(topic, 'a\nb\nc\n')
  t.equal(await consume(topic, 2, '--group', group, '--from-beginning'), 'a\nb\n')
  t.match(await groups('--describe', '--group', group), new RegExp(`${group}\\s+${topic}\\s+0\\s+2\\s+3\\s+1\\s`))
  t.match(await groups('--describe', '--group', group, '--state'), /Empty\s+0/)
  t.ok(linesOf(await groups('--list')).includes(group))
  t.equal(await consume(topic, 1, '--group', group), 'c\n', 'it goes on where it stopped')
  await groups('--group', group, '--reset-offsets', '--to-earliest', '--topic', topic, '--execute')
  t.equal(await consume(topic, 3, '--group', group), 'a\nb\nc\n')
  t.match(await groups('--delete', '--group', group), /successful/)
  t.notMatch(await groups('--list'), group)
})

t.test('a group with a member shows who it is', async t => {
  const topic = topicName('java-member')
  const group = topicName('group')
  await createTopic(topic, 2)
  await produce(topic, 'a\n')
  const consumer = await startKafkaTool(t, 'consumer.ConsoleConsumer', [...bootstrap, '--topic', topic, '--group', group, '--from-beginning'])
  await consumer.until(/^a$/m)
  const members = await kafkaTool('consumer.group.ConsumerGroupCommand', [...bootstrap, '--describe', '--group', group, '--members', '--verbose'])
  t.match(members, new RegExp(`${group}\\s+console-consumer-\\S+\\s+/127\\.0\\.0\\.1\\s+console-consumer\\s+2\\s.*${topic}`))
  t.match(await kafkaTool('consumer.group.ConsumerGroupCommand', [...bootstrap, '--describe', '--group', group, '--state']), /Stable\s+1/)
})

t.test('GetOffsetShell: the end, the beginning, a time', async t => {
  const topic = topicName('java-offsets')
  await createTopic(topic, 2)
  await produce(topic, 'a\nb\nc\n')
  const offsets = async (time: string): Promise<number[]> => linesOf(await kafkaTool('GetOffsetShell', [...bootstrap, '--topic', topic, '--time', time]))
    .map(line => Number(line.split(':')[2] || -1))
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0)
  t.equal(sum(await offsets('latest')), 3)
  t.strictSame(await offsets('earliest'), [0, 0])
  t.equal(sum(await offsets('1')), 0)
})

// KIP-734
t.test('GetOffsetShell: the largest timestamp', await needs(server, ListOffsets, 7), async t => {
  const topic = topicName('java-offsets')
  await createTopic(topic)
  await produce(topic, 'a\n')
  const shown = await kafkaTool('GetOffsetShell', [...bootstrap, '--topic', topic, '--time', 'max-timestamp'])
  t.match(linesOf(shown), [`${topic}:0:0`])
})

t.test('BrokerApiVersionsCommand understands what is advertised', await needs(server, Fetch, 17), async t => {
  const shown = await kafkaTool('BrokerApiVersionsCommand', bootstrap)
  t.match(shown, new RegExp(`^${server.kafka} \\(id: \\d+ rack: null`))
  for (const name of ['Produce', 'Fetch', 'Metadata', 'JoinGroup', 'ApiVersions', 'InitProducerId']) t.match(shown, new RegExp(`${name}\\(\\d+\\): `), name)
  // The newest client of this version can use every one.
  t.match(shown, /Fetch\(1\): 4 to 1\d \[usable: 1[78]\]/, KAFKA_VERSION)
})

t.test('VerifiableProducer, idempotent: every record is acknowledged once, and there', async t => {
  const topic = topicName('java-verifiable')
  await createTopic(topic, 2)
  const config = ['--acks', '-1', '--max-messages', '5000', '--throughput', '-1']
  const events = linesOf(await kafkaTool('VerifiableProducer', [...bootstrap, '--topic', topic, ...config]))
    .map(line => JSON.parse(line) as { name: string, sent?: number, acked?: number, value?: string, partition?: number, offset?: number })
  t.match(events.find(event => event.name === 'tool_data'), { sent: 5000, acked: 5000 })
  const places = events.filter(event => event.name === 'producer_send_success').map(({ partition, offset }) => `${partition} ${offset}`)
  t.equal(new Set(places).size, 5000, 'no two in one place')
  const values = linesOf(await consume(topic, 5000, '--from-beginning')).map(Number).sort((a, b) => a - b)
  t.strictSame(values, Array.from({ length: 5000 }, (_, i) => i))
})

t.test('DeleteRecordsCommand and configurations', async t => {
  const topic = topicName('java-delete')
  await createTopic(topic)
  await produce(topic, 'a\nb\nc\n')
  const dir = t.testdir({ 'offsets.json': JSON.stringify({ partitions: [{ topic, partition: 0, offset: 2 }], version: 1 }) })
  t.match(await kafkaTool('DeleteRecordsCommand', [...bootstrap, '--offset-json-file', `${dir}/offsets.json`]), /low_watermark: 2/)
  t.equal(await consume(topic, 1, '--from-beginning'), 'c\n')
})

t.test('what the log holds can be read by Kafka\'s DumpLogSegments', needsFiles, async t => {
  const topic = topicName('java-dump')
  await createTopic(topic)
  await produce(topic, 'a\nb\n')
  const shown = await kafkaTool('DumpLogSegments', ['--files', `${server.dataFolder}/${topic}-0/00000000000000000000.log`, '--print-data-log'])
  t.match(shown, /baseOffset: 0 lastOffset: 1 .*isvalid: true/)
  t.match(shown, /payload: a\n[\s\S]*payload: b/)
})
