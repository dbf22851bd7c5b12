/**
 * One group, five clients: members of different clients join, leave and die, and every record is read by someone. Records may
 * be read twice around a death, never not at all.
 *
 * kcat is not the one that leaves: it drops the record it holds when it is interrupted, and commits it all the same.
 */
import t, { type Test } from 'tap'
import { Consumer as PlatformaticConsumer, stringDeserializers } from '@platformatic/kafka'
import kafkajs from 'kafkajs'
import { setTimeout as sleep } from 'node:timers/promises'
import { startKafkaTool } from './support/java.ts'
import { startKcat } from './support/kcat.ts'
import { linesOf, topicName } from './support/lines.ts'
import { startPython } from './support/python.ts'
import { rangeAssigner } from './support/range-assigner.ts'
import type { Background } from './support/run.ts'
import { startServer } from './support/server.ts'
import { makeTopic } from './support/topics.ts'

const PARTITIONS = 6
const SESSION_MS = 6000
const HEARTBEAT_MS = 500

/** A member of the group, of whatever client. */
interface Member {
  readonly name: string
  readonly values: () => readonly string[]
}

interface ProcessMember extends Member {
  readonly process: Background
}

const server = await startServer(t)
const kafka = new kafkajs.Kafka({ brokers: [server.kafka], clientId: 'interop', logLevel: kafkajs.logLevel.NOTHING })
const topic = topicName('rebalance')
const group = topicName('group')

const ofProcess = (name: string, process: Background): ProcessMember =>
  ({ name, process, values: () => linesOf(process.stdout) })

const start = {
  kcat: async (t: Test): Promise<ProcessMember> => ofProcess('kcat', startKcat(t, server.kafka,
    ['-q', '-u', '-G', group, '-X', 'auto.offset.reset=earliest', '-X', `session.timeout.ms=${SESSION_MS}`,
      '-X', `heartbeat.interval.ms=${HEARTBEAT_MS}`, topic])),
  java: async (t: Test): Promise<ProcessMember> => ofProcess('java', await startKafkaTool(t, 'consumer.ConsoleConsumer', [
    '--bootstrap-server', server.kafka, '--topic', topic, '--group', group, '--from-beginning',
    '--command-property', `session.timeout.ms=${SESSION_MS}`, '--command-property', `heartbeat.interval.ms=${HEARTBEAT_MS}`,
    '--command-property', 'auto.commit.interval.ms=500'
  ])),
  python: async (t: Test): Promise<ProcessMember> => ofProcess('python', await startPython(t, 'member', server.kafka, topic, group)),
  async kafkajs (t: Test): Promise<Member & { readonly consumer: kafkajs.Consumer }> {
    const consumer = kafka.consumer({
      groupId: group, sessionTimeout: SESSION_MS, heartbeatInterval: HEARTBEAT_MS, maxWaitTimeInMs: 200, partitionAssigners: [rangeAssigner]
    })
    const values: string[] = []
    t.teardown(() => consumer.disconnect())
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({ eachMessage: async ({ message }) => { values.push(message.value!.toString()) } })
    return { name: 'kafkajs', values: () => values, consumer }
  },
  async platformatic (t: Test): Promise<Member> {
    const consumer = new PlatformaticConsumer({
      groupId: group,
      clientId: 'interop',
      bootstrapBrokers: [server.kafka],
      deserializers: stringDeserializers,
      protocols: [{ name: 'range', version: 1 }],
      sessionTimeout: SESSION_MS,
      heartbeatInterval: HEARTBEAT_MS,
      maxWaitTime: 200
    })
    const values: string[] = []
    t.teardown(() => consumer.close(true))
    const stream = await consumer.consume({ topics: [topic], mode: 'committed', fallbackMode: 'earliest', autocommit: false })
    const reading = (async () => {
      for await (const message of stream) {
        values.push(message.value)
        await message.commit()
      }
    })()
    reading.catch(() => {}) // it ends with the stream
    return { name: 'platformatic', values: () => values }
  }
}

t.test('members join, leave and die, and nothing is lost', async t => {
  const admin = kafka.admin()
  await admin.connect()
  t.teardown(() => admin.disconnect())
  await makeTopic(admin, topic, PARTITIONS)

  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner })
  await producer.connect()
  t.teardown(() => producer.disconnect())
  let sent = 0
  const stop = new AbortController()
  const production = (async () => {
    while (!stop.signal.aborted) {
      const messages = Array.from({ length: PARTITIONS * 4 }, (_, i) => ({ value: `${sent + i}`, partition: i % PARTITIONS }))
      await producer.send({ topic, messages })
      sent += messages.length
      await sleep(50)
    }
  })()

  const members: Member[] = []
  /** Waits until a member has read something that it had not read when this began. */
  const reads = async (member: Member): Promise<void> => {
    const before = member.values().length
    await eventually(() => member.values().length > before, () => `${member.name} reads nothing more after ${before} records`)
  }
  const join = async <M extends Member>(startOne: (t: Test) => Promise<M>): Promise<M> => {
    const member = await startOne(t)
    members.push(member)
    await reads(member)
    return member
  }
  const present = async (): Promise<number> => (await admin.describeGroups([group])).groups[0]!.members.length

  const kcat = await join(start.kcat)
  const python = await join(start.python)
  const java = await join(start.java)
  const js = await join(start.kafkajs)
  const platformatic = await join(start.platformatic)
  await eventually(async () => await present() === 5, () => 'the group never has five members')
  t.pass('five clients are members of one group')
  for (const member of members) await reads(member)
  t.pass('each of them reads on')

  await js.consumer.disconnect()
  await eventually(async () => await present() === 4, () => 'kafkajs never leaves')
  await reads(platformatic)
  t.pass('one has left')

  await python.process.end('SIGKILL')
  await eventually(async () => await present() === 3, () => 'the death of python is not noticed')
  await java.process.end('SIGKILL')
  await eventually(async () => await present() === 2, () => 'the death of java is not noticed')
  t.pass('two have died')

  await join(start.kafkajs)
  for (const member of [kcat, platformatic]) await reads(member)
  t.pass('and one has come back')

  stop.abort()
  await production
  const all = (): Set<string> => new Set(members.flatMap(member => member.values()))
  const missing = (): string[] => {
    const read = all()
    return Array.from({ length: sent }, (_, i) => `${i}`).filter(value => !read.has(value))
  }
  await eventually(() => missing().length === 0, () => `of ${sent} records these were read by nobody: ${missing().slice(0, 20).join(', ')}`)
  t.equal(all().size, sent, `all of ${sent} records, and none that was never sent`)
})

async function eventually (look: () => boolean | Promise<boolean>, otherwise: () => string, timeoutMs = 60_000): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; !await look(); await sleep(100)) {
    if (Date.now() > deadline) throw new Error(otherwise())
  }
}
