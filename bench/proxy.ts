/**
 * What does a gateway cost in front of Apache Kafka? Kafka's own tools, straight to the broker and through the gateway, in
 * turn, with everything on one machine.
 *
 *   node bench/proxy.ts [--rounds 3] [--only produce,consume,latency,connections] [--connections 5000] [--records 1000000]
 *
 * Needs Java and Maven; takes some minutes. The gateway's share of the machine is given beside, as CPU-seconds per GB and
 * CPU-ms per MB: of what shares two cores with client and broker, that says more than the ratio.
 */
import { parseArgs } from 'node:util'
import { setTimeout as sleep } from 'node:timers/promises'
import { Produce } from '../protocol/messages/00-produce.ts'
import { Metadata } from '../protocol/messages/03-metadata.ts'
import { ApiVersions } from '../protocol/messages/18-api-versions.ts'
import { buildBatch } from '../protocol/records.ts'
import { Connection } from '../test/engine/connection.ts'
import { succeed } from '../test/interop/support/run.ts'
import { median, printTable, ratio, round } from './support/figures.ts'
import { kafkaClient, startGateway, startKafka, startRelay, type Server } from './support/server.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    only: { type: 'string', default: 'produce,consume,latency,connections' },
    connections: { type: 'string', default: '5000' },
    records: { type: 'string', default: '1000000' }
  }
})
const rounds = Number(values.rounds)
const records = Number(values.records)
const only = new Set(values.only.split(','))
const RECORD_BYTES = 1024
const GB = 1000 ** 3
const MB = 1000 ** 2

const kafka = await startKafka()
// All clients come from one address here.
const gateway = await startGateway(kafka.kafka, '--max-connections', '20000', '--max-connections-per-address', '20000', '--connection-rate', '100000')
const servers = [gateway, kafka]
/** A process in between that does nothing: what is added beyond it is the gateway's own. */
const relay = await startRelay(kafka.kafka)

interface Figure { readonly unit: string, readonly less: boolean, readonly through: number[], readonly direct: number[] }
const figures = new Map<string, Figure>()
/** What only the gateway has. */
const costs = new Map<string, { readonly unit: string, readonly values: number[] }>()

function note (name: string, unit: string, less: boolean, server: Server, value: number): void {
  if (!figures.has(name)) figures.set(name, { unit, less, through: [], direct: [] })
  figures.get(name)![server === gateway ? 'through' : 'direct'].push(value)
}

function cost (name: string, unit: string, value: number): void {
  if (!costs.has(name)) costs.set(name, { unit, values: [] })
  costs.get(name)!.values.push(value)
}

let topics = 0

async function createTopic (partitions: number): Promise<string> {
  const topic = `bench-${++topics}`
  await kafkaClient('TopicCommand', ['--bootstrap-server', kafka.kafka, '--create', '--topic', topic, '--partitions', String(partitions)])
  return topic
}

async function send (server: Server, topic: string, count: number): Promise<number> {
  const output = await kafkaClient('ProducerPerformance', ['--topic', topic, '--num-records', String(count), '--record-size', String(RECORD_BYTES),
    '--throughput', '-1', '--producer-props', `bootstrap.servers=${server.kafka}`, 'acks=all'])
  return Number(/\(([\d.]+) MB\/sec\)/.exec(output.trim().split('\n').at(-1)!)![1])
}

/** The gateway's processor time while something is done through it. */
async function spent<T> (server: Server, what: string, bytes: number, work: () => Promise<T>): Promise<T> {
  const before = gateway.cpuSeconds
  const result = await work()
  if (server === gateway) {
    const seconds = gateway.cpuSeconds - before
    cost(`${what}: CPU-seconds per GB`, 's', seconds / (bytes / GB))
    cost(`${what}: CPU-ms per MB`, 'ms', seconds * 1000 / (bytes / MB))
  }
  return result
}

async function produce (server: Server): Promise<void> {
  const topic = await createTopic(6)
  note('produce 1 KiB', 'MB/s', false, server, await spent(server, 'produce', records * RECORD_BYTES, () => send(server, topic, records)))
}

async function consume (server: Server, topic: string): Promise<void> {
  const output = await spent(server, 'consume', records * RECORD_BYTES, () =>
    kafkaClient('ConsumerPerformance', ['--bootstrap-server', server.kafka, '--topic', topic, '--num-records', String(records)]))
  const fields = output.trim().split('\n').at(-1)!.split(', ').map(Number)
  if (fields[4]! < records) throw new Error(`${server.name} gave ${fields[4]} of ${records} records`)
  // Without the time that the group takes to form.
  note('consume 1 KiB', 'MB/s', false, server, fields[8]!)
}

const RATE = 5000
/** What linger.ms=1 makes of that rate. */
const IN_BATCH = 5
const LATENCY_SECONDS = 10

/** Sends on time, whatever the answers do: who waits for one counts what it kept waiting. */
async function latencies (server: Server, seconds: number): Promise<number[]> {
  const topic = await createTopic(1)
  const [host, port] = server.kafka.split(':')
  const connection = await Connection.open(Number(port), host)
  const batch = buildBatch(Array.from({ length: IN_BATCH }, () => ({ key: null, value: Buffer.alloc(RECORD_BYTES, 'x') }))).bytes
  await ready(connection, topic)
  const found: number[] = []
  const pending: Promise<void>[] = []
  const startedAt = performance.now()
  const everyMs = 1000 * IN_BATCH / RATE
  for (let i = 0; i < seconds * RATE / IN_BATCH;) {
    // A timer, and not a loop that looks at the clock: that would take a core from who is measured.
    await sleep(1)
    for (; i < seconds * RATE / IN_BATCH && startedAt + i * everyMs <= performance.now(); i++) {
      const sentAt = performance.now()
      pending.push(connection.send(Produce, 9, {
        acks: -1, timeoutMs: 30_000, topicData: [{ name: topic, partitionData: [{ index: 0, records: [batch] }] }]
      }).then(({ responses }) => {
        if (responses[0]!.partitionResponses[0]!.errorCode !== 0) throw new Error(`refused: ${responses[0]!.partitionResponses[0]!.errorCode}`)
        found.push(performance.now() - sentAt)
      }))
    }
  }
  await Promise.all(pending)
  connection.destroy()
  return found.sort((a, b) => a - b)
}

async function ready (connection: Connection, topic: string): Promise<void> {
  for (;;) {
    const { topics } = await connection.send(Metadata, 9, { topics: [{ name: topic }], allowAutoTopicCreation: false })
    if (topics[0]!.errorCode === 0) return
    await sleep(20)
  }
}

async function latency (server: Server): Promise<void> {
  const found = await latencies(server, LATENCY_SECONDS)
  const at = (share: number): number => found[Math.floor(found.length * share)]!
  if (server === relay) {
    cost('p50 through a bare relay', 'ms', at(0.5))
    cost('p99 through a bare relay', 'ms', at(0.99))
    return
  }
  note('p50 at 5,000 records/s', 'ms', true, server, at(0.5))
  note('p99 at 5,000 records/s', 'ms', true, server, at(0.99))
}

/** Clients that have introduced themselves and know the topics, and then say nothing. */
async function connections (): Promise<void> {
  const count = Number(values.connections)
  const [host, port] = gateway.kafka.split(':')
  const topic = await createTopic(6)
  const clients: Connection[] = []
  const before = gateway.memoryMb
  for (let i = 0; i < count; i += 100) {
    clients.push(...await Promise.all(Array.from({ length: Math.min(100, count - i) }, async () => {
      const connection = await Connection.open(Number(port), host)
      await connection.send(ApiVersions, 3, { clientSoftwareName: 'bench', clientSoftwareVersion: '1' })
      return connection
    })))
  }
  await sleep(3000)
  cost(`memory per connection of ${count}, connected`, 'KB', (gateway.memoryMb - before) * 1000 / count)
  for (let i = 0; i < count; i += 100) {
    await Promise.all(clients.slice(i, i + 100).map(connection => connection.send(Metadata, 9, { topics: [{ name: topic }] })))
  }
  await sleep(3000)
  cost(`memory per connection of ${count}, each with a connection behind`, 'KB', (gateway.memoryMb - before) * 1000 / count)
  for (const client of clients) client.destroy()
  await sleep(1000)
}

try {
  // Warm: what is measured has run before.
  const warm = await createTopic(6)
  for (const server of servers) await send(server, warm, 300_000)
  let filled: string | null = null
  for (let i = 0; i < rounds; i++) {
    // A B, B A, A B: neither always goes first.
    for (const server of i % 2 === 0 ? servers : servers.toReversed()) {
      await succeed('sync', [])
      if (only.has('produce')) await produce(server)
      if (only.has('consume')) {
        if (filled === null) await send(kafka, filled = await createTopic(6), records)
        await consume(server, filled)
      }
      if (only.has('latency')) await latency(server)
    }
    if (only.has('latency')) await latency(relay)
  }
  cost('resident after load', 'MB', gateway.memoryMb)
  if (only.has('connections')) await connections()
} finally {
  for (const server of [...servers, relay]) await server.stop()
}

printTable([
  ['', 'through', 'direct', 'unit', 'ratio', 'range', 'difference', 'better'],
  ...[...figures].map(([name, { unit, less, through, direct }]) => {
    const of = ratio(through, direct)
    return [name, median(through), median(direct), unit, of.median, `${round(of.least)}-${round(of.most)}`,
      (median(through) - median(direct)).toFixed(3), less ? 'lower' : 'higher']
  })
])
console.log()
printTable([['gateway', 'median', 'unit', 'range'],
  ...[...costs].map(([name, { unit, values }]) => [name, median(values), unit, `${round(Math.min(...values))}-${round(Math.max(...values))}`])])
