/** kcat, that is librdkafka: producing, consuming, listing and groups. */
import t from 'tap'
import { kcat, startKcat } from './support/kcat.ts'
import { linesOf, numberedLines, topicName } from './support/lines.ts'
import { startServer } from './support/server.ts'

const server = await startServer(t)
const broker = server.kafka

const consume = (topic: string, ...args: readonly string[]): Promise<string> => kcat(broker, ['-C', '-t', topic, '-o', 'beginning', '-e', ...args])

t.test('what is produced is consumed: values, keys, headers, order', async t => {
  const topic = topicName('kcat')
  await kcat(broker, ['-P', '-t', topic, '-K', ':', '-H', 'trace=abc', '-H', 'empty'], { input: 'a:one\nb:two\na:three\n' })
  t.strictSame(linesOf(await consume(topic, '-f', '%o %k %s %h\n')),
    ['0 a one', '1 b two', '2 a three'].map(record => `${record} trace=abc,empty=NULL`))
})

t.test('a value may be null, and a whole file one record', async t => {
  const topic = topicName('kcat')
  await kcat(broker, ['-P', '-t', topic, '-K', ':', '-Z'], { input: 'gone:\n' })
  await kcat(broker, ['-P', '-t', topic, new URL('../../package.json', import.meta.url).pathname])
  const [first, second] = linesOf(await consume(topic, '-f', '%k %S\n'))
  t.equal(first, 'gone -1')
  t.match(second, /^ [1-9]\d\d+$/)
})

for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
  t.test(`${codec} goes both ways`, async t => {
    const topic = topicName(`kcat-${codec}`)
    const lines = numberedLines(500)
    await kcat(broker, ['-P', '-t', topic, '-z', codec], { input: lines.join('\n') })
    t.strictSame(linesOf(await consume(topic)), lines)
  })
}

t.test('an idempotent producer with every acknowledgement', async t => {
  const topic = topicName('kcat-idempotent')
  const lines = numberedLines(200)
  await kcat(broker, ['-P', '-t', topic, '-X', 'enable.idempotence=true', '-X', 'acks=all'], { input: lines.join('\n') })
  t.strictSame(linesOf(await consume(topic)), lines)
})

t.test('acks may be 0', async t => {
  const topic = topicName('kcat-acks0')
  await kcat(broker, ['-P', '-t', topic], { input: 'first\n' })
  await kcat(broker, ['-P', '-t', topic, '-X', 'acks=0'], { input: 'second\n' })
  const consumer = startKcat(t, broker, ['-C', '-u', '-t', topic, '-o', 'beginning', '-c', '2'])
  t.equal(await consumer.exit, 0)
  t.equal(consumer.stdout, 'first\nsecond\n')
})

t.test('a consumer begins where it is told: at an offset, near the end, at a time', async t => {
  const topic = topicName('kcat-offsets')
  await kcat(broker, ['-P', '-t', topic], { input: 'a\nb\nc\n' })
  const betweenMs = Date.now() + 1
  while (Date.now() <= betweenMs) await new Promise(resolve => setImmediate(resolve))
  await kcat(broker, ['-P', '-t', topic], { input: 'd\n' })
  t.equal(await kcat(broker, ['-C', '-t', topic, '-p', '0', '-o', '1', '-e']), 'b\nc\nd\n')
  t.equal(await kcat(broker, ['-C', '-t', topic, '-p', '0', '-o', '-2', '-e']), 'c\nd\n')
  t.equal(await kcat(broker, ['-C', '-t', topic, '-p', '0', '-o', `s@${betweenMs}`, '-e']), 'd\n')
})

t.test('a consumer at the end gets what is produced later', async t => {
  const topic = topicName('kcat-tail')
  await kcat(broker, ['-P', '-t', topic], { input: 'before\n' })
  const consumer = startKcat(t, broker, ['-C', '-u', '-t', topic, '-o', 'end', '-f', '%s\n'])
  await consumer.until(/Reached end of topic/)
  await kcat(broker, ['-P', '-t', topic], { input: 'after\n' })
  await consumer.until(/^after$/m)
  t.notMatch(consumer.stdout, 'before')
})

t.test('-L lists brokers, topics and partitions', async t => {
  const topic = topicName('kcat-list')
  await kcat(broker, ['-P', '-t', topic], { input: 'x\n' })
  const metadata = JSON.parse(await kcat(broker, ['-L', '-J'])) as {
    brokers: { id: number, name: string }[], topics: { topic: string, partitions: { partition: number, leader: number }[] }[]
  }
  t.match(metadata.brokers, [{ name: broker }])
  const leader = metadata.brokers[0]!.id
  t.match(metadata.topics.find(one => one.topic === topic), { partitions: [{ partition: 0, leader }] })
  t.match(JSON.parse(await kcat(broker, ['-L', '-J', '-t', topic])), { topics: [{ topic }] })
})

t.test('-Q asks for the offset of a time', async t => {
  const topic = topicName('kcat-query')
  await kcat(broker, ['-P', '-t', topic], { input: 'a\nb\n' })
  t.match(await kcat(broker, ['-Q', '-t', `${topic}:0:-1`]), /offset 2/)
  t.match(await kcat(broker, ['-Q', '-t', `${topic}:0:1`]), /offset 0/)
})

t.test('a group remembers how far it has read', async t => {
  const topic = topicName('kcat-group')
  const group = topicName('group')
  await kcat(broker, ['-P', '-t', topic], { input: 'a\nb\n' })
  const read = async (last: string): Promise<string> => {
    const member = startKcat(t, broker, ['-u', '-q', '-G', group, '-X', 'auto.offset.reset=earliest', topic])
    await member.until(new RegExp(`^${last}$`, 'm'))
    await member.end('SIGINT') // leaves the group, and commits before it does
    return member.stdout
  }
  t.equal(await read('b'), 'a\nb\n')
  await kcat(broker, ['-P', '-t', topic], { input: 'c\n' })
  t.equal(await read('c'), 'c\n')
})
