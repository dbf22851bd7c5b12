/**
 * A cluster of fake brokers: topics with partitions, leaders and a log in memory. What is not said otherwise is answered as Kafka
 * would, as far as tests of the engine in front of a cluster need it.
 */
import { EventEmitter, once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { RecordBatch, batchesIn } from '../../protocol/batch.ts'
import { errors } from '../../protocol/errors.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { FindCoordinator } from '../../protocol/messages/10-find-coordinator.ts'
import type { Api } from '../../protocol/schema.ts'
import { FakeBroker, type Asked } from './fake-broker.ts'

export interface FakePartition {
  leader: number
  epoch: number
  readonly batches: RecordBatch[]
}

export interface FakeTopic {
  readonly name: string
  readonly id: string
  readonly partitions: FakePartition[]
}

const FIRST_ID = 71
const NO_ID = 'AAAAAAAAAAAAAAAAAAAAAA'

export class FakeCluster {
  readonly brokers: FakeBroker[]
  readonly topics = new Map<string, FakeTopic>()
  /** By group or transactional id; the first broker coordinates what is not here. */
  readonly coordinators = new Map<string, number>()
  /** Brokers that Metadata does not speak of. */
  readonly unlisted = new Set<number>()
  readonly #changed = new EventEmitter().setMaxListeners(0)

  constructor (count: number) {
    this.brokers = Array.from({ length: count }, (_, i) => new FakeBroker(FIRST_ID + i))
    for (const broker of this.brokers) {
      broker.on(Metadata, asked => this.#metadata(asked))
      broker.on(FindCoordinator, asked => this.#findCoordinator(asked))
      broker.on(Produce, asked => this.#produce(broker, asked))
      broker.on(Fetch, asked => this.#fetch(broker, asked))
    }
  }

  /** Starts as many brokers; they end with the test. */
  static async start (t: Test, count: number): Promise<FakeCluster> {
    const cluster = new FakeCluster(count)
    await Promise.all(cluster.brokers.map(broker => broker.start()))
    t.teardown(async () => { await Promise.all(cluster.brokers.map(broker => broker.stop())) })
    return cluster
  }

  get bootstrap (): { host: string, port: number }[] {
    return this.brokers.map(({ host, port }) => ({ host, port }))
  }

  /** Connections that are open. */
  get connections (): number {
    return this.brokers.reduce((sum, { sockets }) => sum + sockets.size, 0)
  }

  /** Requests of one api to all brokers. */
  askedFor<A extends Api> (api: A): Asked<A>[] {
    return this.brokers.flatMap(broker => broker.askedFor(api))
  }

  broker (id: number): FakeBroker {
    return this.brokers.find(broker => broker.id === id)!
  }

  /** `leaders` are places in `brokers`, partition by partition. */
  topic (name: string, leaders: readonly number[]): FakeTopic {
    const id = Buffer.from(name.padEnd(16, '.').slice(0, 16)).toString('base64url')
    const topic = { name, id, partitions: leaders.map(i => ({ leader: this.brokers[i]!.id, epoch: 0, batches: [] })) }
    this.topics.set(name, topic)
    return topic
  }

  /** Somebody else leads from now on. */
  lead (name: string, partition: number, i: number): void {
    const one = this.topics.get(name)!.partitions[partition]!
    one.leader = i < 0 ? -1 : this.brokers[i]!.id
    one.epoch++
    this.#changed.emit('change')
  }

  append (name: string, partition: number, batch: Buffer): number {
    const one = this.topics.get(name)!.partitions[partition]!
    const baseOffset = endOf(one)
    for (const { bytes } of batchesIn(Buffer.from(batch))) {
      bytes.writeBigInt64BE(BigInt(endOf(one)), 0)
      one.batches.push(new RecordBatch(bytes))
    }
    this.#changed.emit('change')
    return baseOffset
  }

  #find (name: string, id: string): FakeTopic | undefined {
    return name === '' ? [...this.topics.values()].find(topic => topic.id === id) : this.topics.get(name)
  }

  #metadata ({ request: { topics } }: Asked<typeof Metadata>): object {
    const all = topics ?? [...this.topics.values()].map(({ name }) => ({ name, topicId: NO_ID }))
    return {
      brokers: this.brokers.filter(({ id }) => !this.unlisted.has(id)).map(({ id, host, port, rack }) => ({ nodeId: id, host, port, rack })),
      clusterId: 'fake-cluster',
      controllerId: this.brokers[0]!.id,
      topics: all.map(({ name, topicId }) => {
        const topic = this.#find(name ?? '', topicId)
        if (topic === undefined) {
          return { errorCode: name === null ? errors.UNKNOWN_TOPIC_ID : errors.UNKNOWN_TOPIC_OR_PARTITION, name, topicId, partitions: [] }
        }
        return {
          errorCode: errors.NONE,
          name: topic.name,
          topicId: topic.id,
          partitions: topic.partitions.map(({ leader, epoch }, partitionIndex) => ({
            errorCode: leader < 0 ? errors.LEADER_NOT_AVAILABLE : errors.NONE,
            partitionIndex,
            leaderId: leader,
            leaderEpoch: epoch,
            replicaNodes: this.brokers.map(({ id }) => id),
            isrNodes: this.brokers.map(({ id }) => id)
          }))
        }
      })
    }
  }

  #findCoordinator ({ version, request: { key, coordinatorKeys } }: Asked<typeof FindCoordinator>): object {
    const found = (version < 4 ? [key] : coordinatorKeys).map(key => {
      const { id, host, port } = this.broker(this.coordinators.get(key) ?? FIRST_ID)
      return { key, nodeId: id, host, port, errorCode: errors.NONE, errorMessage: null }
    })
    if (version >= 4) return { coordinators: found }
    const [{ nodeId, host, port, errorCode, errorMessage }] = found as [typeof found[0]]
    return { nodeId, host, port, errorCode, errorMessage }
  }

  #produce ({ id }: FakeBroker, { version, request: { topicData } }: Asked<typeof Produce>): object {
    const tells = version >= 10
    return {
      responses: topicData.map(({ name, topicId, partitionData }) => {
        const topic = this.#find(name, topicId)
        return {
          name,
          topicId,
          partitionResponses: partitionData.map(({ index, records }) => {
            const partition = topic?.partitions[index]
            const currentLeader = tells ? leaderOf(partition) : undefined
            if (partition === undefined) return { index, errorCode: errors.UNKNOWN_TOPIC_OR_PARTITION, baseOffset: -1 }
            if (partition.leader !== id) return { index, errorCode: errors.NOT_LEADER_OR_FOLLOWER, baseOffset: -1, currentLeader }
            return { index, errorCode: errors.NONE, baseOffset: this.append(topic!.name, index, Buffer.concat(records!)), currentLeader }
          })
        }
      }),
      ...tells && { nodeEndpoints: this.#endpoints() }
    }
  }

  #endpoints (): object[] {
    return this.brokers.map(({ id, host, port, rack }) => ({ nodeId: id, host, port, rack }))
  }

  async #fetch (broker: FakeBroker, asked: Asked<typeof Fetch>): Promise<object> {
    const deadline = Date.now() + asked.request.maxWaitMs
    for (;;) {
      const changed = once(this.#changed, 'change', { signal: asked.left })
      changed.catch(() => {}) // the client has left
      const { answer, bytes, isFailed } = this.#read(broker, asked)
      const leftMs = deadline - Date.now()
      if (bytes >= asked.request.minBytes || isFailed || leftMs <= 0 || asked.left.aborted) return answer
      await Promise.race([changed, sleep(leftMs, undefined, { signal: asked.left, ref: false })]).catch(() => {})
    }
  }

  #read ({ id }: FakeBroker, { version, request }: Asked<typeof Fetch>): { answer: object, bytes: number, isFailed: boolean } {
    let bytes = 0
    let isFailed = false
    const responses = request.topics.map(({ topic: name, topicId, partitions }) => ({
      topic: name,
      topicId,
      partitions: partitions.map(({ partition: partitionIndex, fetchOffset, partitionMaxBytes }) => {
        const partition = this.#find(name, topicId)?.partitions[partitionIndex]
        const currentLeader = version >= 12 ? leaderOf(partition) : undefined
        if (partition?.leader !== id) {
          isFailed = true
          const errorCode = partition === undefined ? errors.UNKNOWN_TOPIC_OR_PARTITION : errors.NOT_LEADER_OR_FOLLOWER
          return { partitionIndex, errorCode, highWatermark: -1, abortedTransactions: null, records: null, currentLeader }
        }
        const records: Buffer[] = []
        let left = Math.min(partitionMaxBytes, request.maxBytes - bytes)
        for (const batch of partition.batches) {
          if (batch.nextOffset <= fetchOffset) continue
          if (batch.sizeBytes > left && (bytes > 0 || records.length > 0)) break
          left -= batch.sizeBytes
          records.push(batch.bytes)
        }
        bytes += records.reduce((sum, one) => sum + one.length, 0)
        const highWatermark = endOf(partition)
        return {
          partitionIndex,
          errorCode: errors.NONE,
          highWatermark,
          lastStableOffset: highWatermark,
          logStartOffset: 0,
          abortedTransactions: null,
          ...version >= 11 && { preferredReadReplica: this.brokers.at(-1)!.id },
          records,
          currentLeader
        }
      })
    }))
    return {
      answer: { responses, ...version >= 7 && { sessionId: 4711 }, ...version >= 16 && { nodeEndpoints: this.#endpoints() } },
      bytes,
      isFailed
    }
  }
}

const leaderOf = (partition: FakePartition | undefined): object => ({ leaderId: partition?.leader ?? -1, leaderEpoch: partition?.epoch ?? -1 })

const endOf = ({ batches }: FakePartition): number => batches.at(-1)?.nextOffset ?? 0
