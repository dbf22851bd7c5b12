/**
 * How does the native door compare with Apache Kafka 4.3.1, asked by Kafka's own tools?
 *
 *   node bench/kafka.ts [--rounds 3] [--only produce-1k,produce-100,consume,fsync-64,latency]
 *
 * Each round measures one after the other on fresh topics, so that the speed of a shared machine drifts for both alike.
 * Needs Java and Maven; takes some minutes.
 */
import { parseArgs } from 'node:util'
import { succeed } from '../test/interop/support/run.ts'
import { kafkaClient, startBarnabas, startKafka, type Server } from './support/server.ts'
import { median, printTable, ratio, round } from './support/figures.ts'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '3' }, only: { type: 'string' } } })
const rounds = Number(values.rounds)

interface Figure {
  readonly name: string
  readonly unit: string
  /** Whether less is better. */
  readonly less: boolean
  readonly ours: number[]
  readonly theirs: number[]
}

type Measured = ReadonlyArray<readonly [name: string, unit: string, less: boolean, value: number]>

const cases: Record<string, { durability: 'fsync' | 'os', kafka: readonly string[], run: (server: Server) => Promise<Measured> }> = {
  'produce-1k': { durability: 'os', kafka: [], run: server => produce(server, { records: 1_000_000, bytes: 1024, partitions: 6 }) },
  'produce-100': { durability: 'os', kafka: [], run: server => produce(server, { records: 6_000_000, bytes: 100, partitions: 6 }) },
  consume: { durability: 'os', kafka: [], run: consume },
  'fsync-64': {
    durability: 'fsync',
    kafka: ['log.flush.interval.messages=1'],
    run: server => produce(server, { records: 600_000, bytes: 1024, partitions: 64 })
  },
  latency: { durability: 'os', kafka: [], run: latency }
}

let topics = 0

async function createTopic (server: Server, partitions: number): Promise<string> {
  const topic = `bench-${++topics}`
  await kafkaClient('TopicCommand', ['--bootstrap-server', server.kafka, '--create', '--topic', topic, '--partitions', String(partitions)])
  return topic
}

async function send (server: Server, topic: string, records: number, bytes: number): Promise<number> {
  const output = await kafkaClient('ProducerPerformance', ['--topic', topic, '--num-records', String(records), '--record-size', String(bytes),
    '--throughput', '-1', '--producer-props', `bootstrap.servers=${server.kafka}`, 'acks=all'])
  const last = output.trim().split('\n').at(-1)!
  return Number(/\(([\d.]+) MB\/sec\)/.exec(last)![1])
}

async function produce (server: Server, { records, bytes, partitions }: { records: number, bytes: number, partitions: number }): Promise<Measured> {
  const topic = await createTopic(server, partitions)
  const before = server.cpuSeconds
  const mbPerSecond = await send(server, topic, records, bytes)
  const cpu = server.cpuSeconds - before
  return [
    ['throughput', 'MB/s', false, mbPerSecond],
    ['per broker CPU-second', 'MB', false, records * bytes / 1024 ** 2 / cpu]
  ]
}

async function consume (server: Server): Promise<Measured> {
  const records = 1_000_000
  const topic = await createTopic(server, 6)
  await send(server, topic, records, 1024)
  const before = server.cpuSeconds
  const output = await kafkaClient('ConsumerPerformance', ['--bootstrap-server', server.kafka, '--topic', topic, '--num-records', String(records)])
  const cpu = server.cpuSeconds - before
  const fields = output.trim().split('\n').at(-1)!.split(', ').map(Number)
  if (fields[4]! < records) throw new Error(`${server.name} gave ${fields[4]} of ${records} records`)
  return [
    // Without the time that the group takes to form, which the two are told to spend differently.
    ['throughput', 'MB/s', false, fields[8]!],
    ['per broker CPU-second', 'MB', false, fields[2]! / cpu]
  ]
}

async function latency (server: Server): Promise<Measured> {
  const topic = await createTopic(server, 1)
  const run = async (records: number): Promise<string> => await kafkaClient('EndToEndLatency', [
    '--bootstrap-server', server.kafka, '--topic', topic, '--num-records', String(records), '--producer-acks', 'all', '--record-size', '100'])
  await run(2000)
  const output = await run(10_000)
  return [
    ['average', 'ms', true, Number(/Avg latency: ([\d.]+)/.exec(output)![1])],
    ['p99', 'ms', true, Number(/99th = (\d+)/.exec(output)![1])],
    ['p99.9', 'ms', true, Number(/99.9th = (\d+)/.exec(output)![1])]
  ]
}

const figures = new Map<string, Figure>()
for (const [name, { durability, kafka, run }] of Object.entries(cases)) {
  if (values.only !== undefined && !values.only.split(',').includes(name)) continue
  const servers = [await startBarnabas(durability), await startKafka(...kafka)]
  try {
    for (const server of servers) await produce(server, { records: 300_000, bytes: 1024, partitions: 6 }) // warm
    for (let i = 0; i < rounds; i++) {
      // A B, B A, A B: neither always goes first.
      for (const server of i % 2 === 0 ? servers : servers.toReversed()) {
        // What was written before would be on its way to the disk meanwhile, and slow down whoever is next.
        await succeed('sync', [])
        for (const [what, unit, less, value] of await run(server)) {
          const key = `${name} ${what}`
          if (!figures.has(key)) figures.set(key, { name: key, unit, less, ours: [], theirs: [] })
          figures.get(key)![server === servers[0] ? 'ours' : 'theirs'].push(value)
        }
      }
    }
    const memory = `${name} memory after`
    figures.set(memory, { name: memory, unit: 'MB', less: true, ours: [servers[0]!.memoryMb], theirs: [servers[1]!.memoryMb] })
  } finally {
    for (const server of servers) await server.stop()
  }
}

printTable([
  ['', 'Barnabas', 'Kafka', 'unit', 'ratio', 'range', 'better'],
  ...[...figures.values()].map(({ name, unit, less, ours, theirs }) => {
    const of = ratio(ours, theirs)
    return [name, median(ours), median(theirs), unit, of.median, `${round(of.least)}-${round(of.most)}`, less ? 'lower' : 'higher']
  })
])
