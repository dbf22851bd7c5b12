/**
 * What does the whole chain of policies cost: credentials, a hundred ACLs and quotas that are never reached, against none of
 * them?
 *
 *   node bench/policies.ts [--rounds 3] [--only produce-1k,produce-100,latency]
 *
 * Two processes, asked in turns (A B, B A) by Kafka's ProducerPerformance; the latency by one connection to each, a request
 * to one, a request to the other. Needs Java and Maven.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Produce } from '../protocol/messages/00-produce.ts'
import { CreateTopics } from '../protocol/messages/19-create-topics.ts'
import { buildBatch } from '../protocol/records.ts'
import { succeed } from '../test/interop/support/run.ts'
import { median, printTable, ratio, round } from './support/figures.ts'
import { Administrator, connectAs, PASSWORD } from './support/guarded.ts'
import { kafkaClient, startBarnabas, startGuardedBarnabas, type Server } from './support/server.ts'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '3' }, only: { type: 'string' } } })
const isWanted = (name: string): boolean => values.only === undefined || values.only.split(',').includes(name)

const USER = 'bench'
const ACLS = 100
/** Of each, in a round; some 600 a second. */
const REQUESTS = 10_000

interface Side {
  readonly name: string
  readonly server: Server
  readonly user: string | null
  /** Arguments for Kafka's tools. */
  readonly client: readonly string[]
}

async function guarded (folder: string): Promise<Side> {
  const server = await startGuardedBarnabas(PASSWORD, 'os')
  const administrator = new Administrator(server.http)
  await administrator.addUser(USER)
  const operations = ['READ', 'WRITE', 'CREATE', 'DESCRIBE']
  await administrator.allow(USER, 'bench-', ...operations)
  for (let i = operations.length; i < ACLS; i++) await administrator.allow(i % 2 === 0 ? USER : `other-${i}`, `elsewhere-${i}-`, 'WRITE')
  await administrator.setQuotas(USER, { producer_byte_rate: 1e12, consumer_byte_rate: 1e12, request_percentage: 1e6, controller_mutation_rate: 1e6 })
  const file = join(folder, 'client.properties')
  writeFileSync(file, `security.protocol=SASL_PLAINTEXT
sasl.mechanism=PLAIN
sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="${USER}" password="${PASSWORD}";
`)
  return { name: 'on', server, user: USER, client: ['--command-config', file] }
}

let topics = 0

async function createTopic ({ server, user }: Side, partitions: number): Promise<string> {
  const topic = `bench-${++topics}`
  const connection = await connectAs(server.kafka, user)
  const { topics: [created] } = await connection.send(CreateTopics, 7, {
    topics: [{ name: topic, numPartitions: partitions, replicationFactor: 1, assignments: [], configs: [] }], timeoutMs: 10_000
  })
  connection.destroy()
  if (created?.errorCode !== 0) throw new Error(`CreateTopics: ${created?.errorCode} ${created?.errorMessage}`)
  return topic
}

interface Throughput { readonly mbPerSecond: number, readonly mbPerCpuSecond: number }

async function produce (side: Side, records: number, bytes: number): Promise<Throughput> {
  const topic = await createTopic(side, 6)
  await succeed('sync', [])
  const before = side.server.cpuSeconds
  const output = await kafkaClient('ProducerPerformance', ['--topic', topic, '--num-records', String(records), '--record-size', String(bytes),
    '--throughput', '-1', '--bootstrap-server', side.server.kafka, '--command-property', 'acks=all', ...side.client])
  const cpu = side.server.cpuSeconds - before
  return {
    mbPerSecond: Number(/\(([\d.]+) MB\/sec\)/.exec(output.trim().split('\n').at(-1)!)![1]),
    mbPerCpuSecond: records * bytes / 1024 ** 2 / cpu
  }
}

/** Milliseconds that a Produce of one small record takes, request by request, at both at once. */
async function latencies (sides: readonly Side[]): Promise<number[][]> {
  const records = [buildBatch([{ key: null, value: Buffer.alloc(100, 'v') }]).bytes]
  const asked = await Promise.all(sides.map(async side => {
    const [topic, connection] = [await createTopic(side, 1), await connectAs(side.server.kafka, side.user)]
    const request = { acks: -1, timeoutMs: 10_000, topicData: [{ name: topic, partitionData: [{ index: 0, records }] }] }
    return { took: [] as number[], ask: () => connection.send(Produce, 9, request), end: () => connection.destroy() }
  }))
  for (let i = 0; i < REQUESTS; i++) {
    for (const { took, ask } of i % 2 === 0 ? asked : asked.toReversed()) {
      const start = performance.now()
      const { responses } = await ask()
      took.push(performance.now() - start)
      if (responses[0]?.partitionResponses[0]?.errorCode !== 0) throw new Error(JSON.stringify(responses))
    }
    await sleep(1)
  }
  for (const { end } of asked) end()
  // Without the first tenth, in which what is new is compiled.
  return asked.map(({ took }) => took.slice(REQUESTS / 10).sort((a, b) => a - b))
}

const percentile = (sorted: readonly number[], part: number): number => sorted[Math.floor(sorted.length * part)]!

const folder = mkdtempSync(join(tmpdir(), 'bench-policies-'))
const off: Side = { name: 'off', server: await startBarnabas('os'), user: null, client: [] }
const on = await guarded(folder)
const sides = [off, on]
try {
  const rows: (string | number)[][] = [['', 'off', 'on', 'unit', 'on/off', 'range']]
  for (const side of sides) await produce(side, 300_000, 1024) // warm
  for (const [name, records, bytes] of [['produce-1k', 1_000_000, 1024], ['produce-100', 6_000_000, 100]] as const) {
    if (!isWanted(name)) continue
    const results = new Map<Side, Throughput[]>(sides.map(side => [side, []]))
    for (let i = 0; i < Number(values.rounds); i++) {
      for (const side of i % 2 === 0 ? sides : sides.toReversed()) results.get(side)!.push(await produce(side, records, bytes))
    }
    for (const [what, unit] of [['mbPerSecond', 'MB/s'], ['mbPerCpuSecond', 'MB per CPU-second']] as const) {
      const [without, within] = sides.map(side => results.get(side)!.map(one => one[what])) as [number[], number[]]
      const of = ratio(within, without)
      rows.push([name, median(without), median(within), unit, of.median, `${round(of.least)}-${round(of.most)}`])
    }
  }
  if (isWanted('latency')) {
    const rounds: number[][][] = []
    for (let i = 0; i < Number(values.rounds); i++) rounds.push(await latencies(sides))
    for (const [what, part] of [['p50', 0.5], ['p99', 0.99]] as const) {
      const [without, within] = [0, 1].map(side => rounds.map(one => percentile(one[side]!, part))) as [number[], number[]]
      const of = ratio(within, without)
      const more = median(within.map((one, i) => one - without[i]!))
      rows.push([`latency ${what}`, median(without), median(within), 'ms', of.median, `${round(of.least)}-${round(of.most)}, ${more.toFixed(3)} ms more`])
    }
  }
  printTable(rows)
} finally {
  for (const { server } of sides) await server.stop()
  rmSync(folder, { recursive: true, force: true })
}
