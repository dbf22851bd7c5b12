/**
 * What goes on while a server is ended and started again: producers, readers with their groups, and someone who makes and
 * deletes topics. All of it is written down for the checker.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { batchesIn } from '../../protocol/batch.ts'
import { complete } from '../../protocol/defaults.ts'
import { errorRow, errors } from '../../protocol/errors.ts'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import { ListOffsets } from '../../protocol/messages/02-list-offsets.ts'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { CreateTopics } from '../../protocol/messages/19-create-topics.ts'
import { DeleteTopics } from '../../protocol/messages/20-delete-topics.ts'
import { recordsIn } from '../../protocol/records.ts'
import { Connection } from '../engine/connection.ts'
import { seeded } from '../support/batches.ts'
import { check, type Event, type FinalLog, type Verdict } from './checker.ts'
import { Doors } from './doors.ts'
import { IdempotentProducer, valueOf } from './producer.ts'
import { Reader } from './reader.ts'

const TOPIC = 'load'
const LATEST = -1
const EARLIEST = -2
const WINDOW_BYTES = 4 * 1024 * 1024
const NO_ID = 'AAAAAAAAAAAAAAAAAAAAAA'

export interface LoadOptions {
  /** Of each server that stands for the log. */
  readonly ports: readonly number[]
  readonly seed: number
  readonly producers?: number
  readonly readers?: number
  readonly partitions?: number
  /** Of the topic: small ones are rolled often. */
  readonly segmentBytes?: number
  readonly pauseMs?: number
  /** Of the topics. */
  readonly replicas?: number
  /** Between two topics that are made; real brokers take their time. */
  readonly churnPauseMs?: number
}

export class Load {
  readonly history: Event[] = []
  readonly producers: readonly IdempotentProducer[]
  readonly readers: readonly Reader[]
  readonly #options: Required<LoadOptions>
  readonly #running: Promise<unknown>[] = []
  readonly #churn: Churn

  constructor (options: LoadOptions) {
    this.#options = { producers: 4, readers: 2, partitions: 6, segmentBytes: 256 * 1024, pauseMs: 1, replicas: 1, churnPauseMs: 20, ...options }
    const { ports, seed, partitions, pauseMs } = this.#options
    const record = (event: Event): void => { this.history.push(event) }
    const common = { topic: TOPIC, partitions, record }
    this.producers = Array.from({ length: this.#options.producers }, (_, i) =>
      new IdempotentProducer({ ...common, doors: new Doors(ports, i), name: `producer-${i}`, random: seeded(seed + i), pauseMs }))
    this.readers = Array.from({ length: this.#options.readers }, (_, i) => new Reader({ ...common, doors: new Doors(ports, i), name: `reader-${i}` }))
    this.#churn = new Churn({ ...this.#options, record })
  }

  get acknowledged (): number {
    return this.producers.reduce((sum, { acknowledged }) => sum + acknowledged, 0)
  }

  /** Makes the topic and begins. */
  async start (): Promise<void> {
    const { ports, partitions, segmentBytes, replicas } = this.#options
    const connection = await Connection.open(ports[0]!)
    await connection.send(CreateTopics, 4, complete(CreateTopics.request, {
      topics: [{
        name: TOPIC,
        numPartitions: partitions,
        replicationFactor: replicas,
        assignments: [],
        configs: [{ name: 'segment.bytes', value: String(segmentBytes) }, { name: 'retention.ms', value: '-1' }]
      }]
    }))
    // A leader that does not know it yet refuses the first batch of a producer and may take the second: it knows neither.
    while (!await offsetsOf(connection, TOPIC, partitions, LATEST).then(() => true, () => false)) await sleep(20)
    connection.destroy()
    this.#running.push(...[...this.producers, ...this.readers, this.#churn].map(one => one.run()))
  }

  /** Resolves when at least one record more is acknowledged. */
  async progress (): Promise<void> {
    const before = this.acknowledged
    while (this.acknowledged === before) await sleep(1)
  }

  /** Resolves when every producer has had something acknowledged, and every reader has read on. */
  async everyone (): Promise<void> {
    const read = ({ positions }: Reader): number => positions.reduce((sum, offset) => sum + offset, 0)
    const waiting = [
      ...this.producers.map(one => { const before = one.acknowledged; return () => one.acknowledged > before }),
      ...this.readers.map(one => { const before = read(one); return () => read(one) > before })
    ]
    while (!waiting.every(hasMoved => hasMoved())) await sleep(5)
  }

  /** Lets everything that was begun come to its end, reads the whole log and judges. The server must be up. */
  async finish (): Promise<Verdict> {
    const { ports: [port], partitions } = this.#options
    for (const producer of this.producers) producer.finish()
    this.#churn.stop()
    await Promise.all(this.#running.slice(0, this.producers.length))
    const connection = await Connection.open(port!)
    const ends = await offsetsOf(connection, TOPIC, partitions, LATEST)
    for (const reader of this.readers) reader.finishAt(ends)
    await Promise.all(this.#running)
    const finalLog = await readAll(port!, TOPIC, partitions)
    await this.#churn.verify(connection)
    connection.destroy()
    return check(this.history, finalLog)
  }
}

async function offsetsOf (connection: Connection, topic: string, count: number, timestamp: number): Promise<number[]> {
  const partitions = Array.from({ length: count }, (_, partitionIndex) => ({ partitionIndex, timestamp }))
  const { topics } = await connection.send(ListOffsets, 2, complete(ListOffsets.request, { replicaId: -1, topics: [{ name: topic, partitions }] }))
  const offsets: number[] = []
  for (const { partitionIndex, offset, errorCode } of topics[0]!.partitions) {
    if (errorCode !== errors.NONE) throw new Error(`the offset of ${topic}-${partitionIndex}: ${errorRow(errorCode).name}`)
    offsets[partitionIndex] = offset // Kafka answers in an order of its own
  }
  return offsets
}

/** Everything that a topic holds, by partition. */
export async function readAll (port: number, topic: string, partitions: number): Promise<FinalLog> {
  const connection = await Connection.open(port)
  const ends = await offsetsOf(connection, topic, partitions, LATEST)
  const log = new Map<string, [number, string][]>()
  for (const [partition, start] of (await offsetsOf(connection, topic, partitions, EARLIEST)).entries()) {
    const found: [number, string][] = []
    for (let fetchOffset = start; fetchOffset < ends[partition]!;) {
      const { responses } = await connection.send(Fetch, 11, complete(Fetch.request, {
        maxWaitMs: 1000, minBytes: 1, topics: [{ topic, topicId: NO_ID, partitions: [{ partition, fetchOffset, partitionMaxBytes: WINDOW_BYTES }] }]
      }))
      const batches = [...batchesIn(Buffer.concat(responses[0]!.partitions[0]!.records ?? []))]
      if (batches.length === 0) throw new Error(`${topic}-${partition} ends at ${ends[partition]}, but nothing is read at ${fetchOffset}`)
      for (const batch of batches) for (const { offset, value } of recordsIn(batch)) if (offset >= fetchOffset) found.push([offset, valueOf(value)])
      fetchOffset = batches.at(-1)!.nextOffset
    }
    log.set(`${topic}-${partition}`, found)
  }
  connection.destroy()
  return log
}

interface ChurnOptions extends Pick<Required<LoadOptions>, 'ports' | 'replicas' | 'churnPauseMs'> {
  readonly record: (event: Event) => void
}

/** Makes topics and deletes every other one: what was answered must hold. */
class Churn {
  readonly #options: ChurnOptions
  readonly #made = new Set<string>()
  readonly #deleted = new Set<string>()
  #isRunning = true

  constructor (options: ChurnOptions) {
    this.#options = options
  }

  stop (): void {
    this.#isRunning = false
  }

  async run (): Promise<void> {
    const { ports, churnPauseMs } = this.#options
    const doors = new Doors(ports)
    let connection: Connection | null = null
    for (let i = 0; this.#isRunning; i++) {
      try {
        if (connection?.isOpen !== true) connection = await doors.open()
        await this.#turn(doors, connection, `churn-${i}`, i % 2 === 1)
      } catch {
        // The server is gone: the topic may be there or not.
      }
      await sleep(churnPauseMs)
    }
    connection?.destroy()
  }

  async #turn (doors: Doors, connection: Connection, name: string, deletes: boolean): Promise<void> {
    const { topics } = await doors.send(connection, CreateTopics, 4, complete(CreateTopics.request, {
      topics: [{ name, numPartitions: 2, replicationFactor: this.#options.replicas, assignments: [], configs: [] }]
    }))
    if (topics[0]!.errorCode !== errors.NONE) return
    this.#made.add(name)
    if (!deletes) return
    this.#made.delete(name) // until the answer comes, both is possible
    const { responses } = await doors.send(connection, DeleteTopics, 3, complete(DeleteTopics.request, { topicNames: [name], timeoutMs: 30_000 }))
    if (responses[0]!.errorCode === errors.NONE) this.#deleted.add(name)
  }

  async verify (connection: Connection): Promise<void> {
    const { topics } = await connection.send(Metadata, 4, complete(Metadata.request, { topics: null, allowAutoTopicCreation: false }))
    const { record } = this.#options
    const there = new Map(topics.map(({ name, errorCode, partitions }) => [name, errorRow(errorCode).name === 'NONE' && partitions.length === 2]))
    for (const name of this.#made) if (there.get(name) !== true) record({ type: 'violation', what: `topic ${name} was made, and is not there` })
    for (const name of this.#deleted) if (there.has(name)) record({ type: 'violation', what: `topic ${name} was deleted, and is there` })
  }
}
