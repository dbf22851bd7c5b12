/**
 * A log in memory behind the waist, for tests of doors and of src/client: topics, batches and long polls, but no disk,
 * no groups and no retention of its own. Its batches are the bytes that were produced, so whoever reads them reads what
 * a real engine would give.
 */
import { randomBytes } from 'node:crypto'
import { RecordBatch } from '../../protocol/batch.ts'
import { complete } from '../../protocol/defaults.ts'
import { errors, KafkaError } from '../../protocol/errors.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import { ListOffsets } from '../../protocol/messages/02-list-offsets.ts'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { CreateTopics } from '../../protocol/messages/19-create-topics.ts'
import { DeleteTopics } from '../../protocol/messages/20-delete-topics.ts'
import { DescribeConfigs } from '../../protocol/messages/32-describe-configs.ts'
import { recordsIn } from '../../protocol/records.ts'
import { compose, on, type Context, type Dispatch } from '../../protocol/rpc.ts'
import type { Api, Request } from '../../protocol/schema.ts'

interface MemoryPartition { start: number, end: number, batches: RecordBatch[] }

interface MemoryTopic {
  readonly name: string
  readonly id: string
  readonly configs: Map<string, string>
  readonly partitions: MemoryPartition[]
}

export interface MemoryLogOptions {
  readonly autoCreate?: boolean
  readonly partitions?: number
  readonly maxMessageBytes?: number
}

const TOPIC_NAME = /^(?!\.{1,2}$)[a-zA-Z0-9._-]{1,249}$/
const NODE_ID = 1
const NO_ID = 'AAAAAAAAAAAAAAAAAAAAAA'
const emptyPartition = (): MemoryPartition => ({ start: 0, end: 0, batches: [] })

export class MemoryLog {
  readonly topics = new Map<string, MemoryTopic>()
  readonly dispatch: Dispatch
  /** Requests by api name, for tests that count them. */
  readonly calls = new Map<string, number>()
  /** A test may look at a request first and throw, or wait, in its stead. */
  before: (api: Api, request: Request<Api>, context: Context) => void | Promise<void> = () => {}
  readonly #options: Required<MemoryLogOptions>
  readonly #waiters = new Set<() => void>()

  constructor (options: MemoryLogOptions = {}) {
    this.#options = { autoCreate: true, partitions: 1, maxMessageBytes: 1_048_588, ...options }
    const handlers = compose(async api => { throw new KafkaError('UNSUPPORTED_VERSION', `${api.name} is not known here.`) },
      this.#metadata, this.#produce, this.#fetch, this.#listOffsets, this.#createTopics, this.#deleteTopics, this.#describeConfigs)
    this.dispatch = async (api, request, context) => {
      this.calls.set(api.name, (this.calls.get(api.name) ?? 0) + 1)
      await this.before(api, request, context)
      return handlers(api, request, context)
    }
  }

  /** The long polls that wait just now. */
  get waiting (): number { return this.#waiters.size }

  create (name: string, partitions = this.#options.partitions, configs: Iterable<readonly [string, string]> = []): MemoryTopic {
    const topic = { name, id: randomBytes(16).toString('base64url'), configs: new Map(configs), partitions: Array.from({ length: partitions }, emptyPartition) }
    this.topics.set(name, topic)
    return topic
  }

  /** What retention would do: records before `offset` are gone. */
  deleteBefore (name: string, index: number, offset: number): void {
    const partition = this.topics.get(name)!.partitions[index]!
    partition.start = offset
    partition.batches = partition.batches.filter(batch => batch.nextOffset > offset)
  }

  /** The values in a partition as text, for assertions. */
  values (name: string, index = 0): (string | null)[] {
    return this.topics.get(name)!.partitions[index]!.batches.flatMap(batch => [...recordsIn(batch)].map(record => record.value?.toString() ?? null))
  }

  /** A partition, or the error code that stands for its absence. */
  #find (topicId: string, index: number): MemoryPartition | number {
    const topic = this.topics.values().find(({ id }) => id === topicId)
    return topic === undefined ? errors.UNKNOWN_TOPIC_ID : topic.partitions[index] ?? errors.UNKNOWN_TOPIC_OR_PARTITION
  }

  readonly #metadata = on(Metadata, async ({ topics, allowAutoTopicCreation }) => {
    const names = topics?.map(topic => topic.name!) ?? [...this.topics.keys()]
    return complete(Metadata.response, {
      brokers: [{ nodeId: NODE_ID, host: '127.0.0.1', port: 9092 }],
      clusterId: 'memory-cluster',
      controllerId: NODE_ID,
      topics: names.map(name => {
        const valid = TOPIC_NAME.test(name)
        const topic = this.topics.get(name) ?? (valid && allowAutoTopicCreation && this.#options.autoCreate ? this.create(name) : undefined)
        return {
          errorCode: topic !== undefined ? errors.NONE : valid ? errors.UNKNOWN_TOPIC_OR_PARTITION : errors.INVALID_TOPIC_EXCEPTION,
          name,
          topicId: topic?.id ?? NO_ID,
          isInternal: name.startsWith('__'),
          partitions: (topic?.partitions ?? []).map((_, partitionIndex) =>
            ({ errorCode: 0, partitionIndex, leaderId: NODE_ID, replicaNodes: [NODE_ID], isrNodes: [NODE_ID] }))
        }
      })
    })
  })

  readonly #produce = on(Produce, async ({ topicData }) => {
    const append = (topicId: string, index: number, chunks: readonly Buffer[]) => {
      const partition = this.#find(topicId, index)
      if (typeof partition === 'number') return { index, errorCode: partition, baseOffset: -1 }
      const batch = new RecordBatch(Buffer.concat(chunks))
      if (!batch.isSound) return { index, errorCode: errors.CORRUPT_MESSAGE, baseOffset: -1 }
      if (batch.sizeBytes > this.#options.maxMessageBytes) return { index, errorCode: errors.MESSAGE_TOO_LARGE, baseOffset: -1 }
      const baseOffset = partition.end
      batch.stamp(baseOffset, 0)
      partition.batches.push(batch)
      partition.end = batch.nextOffset
      return { index, errorCode: errors.NONE, baseOffset }
    }
    const responses = topicData.map(({ topicId, partitionData }) =>
      ({ topicId, partitionResponses: partitionData.map(({ index, records }) => append(topicId, index, records ?? [])) }))
    for (const wake of [...this.#waiters]) wake()
    return complete(Produce.response, { responses })
  })

  readonly #fetch = on(Fetch, async ({ topics, maxBytes, maxWaitMs, minBytes }, { signal }) => {
    const read = (topicId: string, partitionIndex: number, fetchOffset: number, maxBytes: number) => {
      const partition = this.#find(topicId, partitionIndex)
      const answer = (errorCode: number, records: Buffer[] = [], highWatermark = -1) =>
        ({ partitionIndex, errorCode, highWatermark, abortedTransactions: null, records })
      if (typeof partition === 'number') return answer(partition)
      if (fetchOffset < partition.start || fetchOffset > partition.end) return answer(errors.OFFSET_OUT_OF_RANGE)
      const records: Buffer[] = []
      let room = maxBytes
      // From the back: readers of the tail should not pay for the length of the log.
      let first = partition.batches.length
      while (first > 0 && partition.batches[first - 1]!.nextOffset > fetchOffset) first--
      for (const { bytes } of partition.batches.slice(first)) {
        if (records.length > 0 && bytes.length > room) break
        records.push(bytes)
        room -= bytes.length
      }
      return answer(errors.NONE, records, partition.end)
    }
    const deadline = Date.now() + maxWaitMs
    for (;;) {
      const responses = topics.map(({ topicId, partitions }) => ({
        topicId, partitions: partitions.map(p => read(topicId, p.partition, p.fetchOffset, Math.min(maxBytes, p.partitionMaxBytes)))
      }))
      const done = minBytes === 0 || responses.some(topic => topic.partitions.some(({ errorCode, records }) => errorCode !== 0 || records.length > 0))
      if (done || signal.aborted || Date.now() >= deadline) return complete(Fetch.response, { sessionId: 0, responses })
      await this.#produced(deadline - Date.now(), signal)
    }
  })

  /** Resolves at the next produce, after `ms`, or when the peer leaves. */
  #produced (ms: number, signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const wake = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', wake)
        this.#waiters.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, ms)
      signal.addEventListener('abort', wake)
      this.#waiters.add(wake)
    })
  }

  readonly #listOffsets = on(ListOffsets, async ({ topics }) => {
    const ask = (name: string, { partitionIndex, timestamp }: { partitionIndex: number, timestamp: number }) => {
      const partition = this.topics.get(name)?.partitions[partitionIndex]
      if (partition === undefined) return { partitionIndex, errorCode: errors.UNKNOWN_TOPIC_OR_PARTITION }
      if (timestamp < 0) return { partitionIndex, errorCode: 0, offset: timestamp === -1 ? partition.end : partition.start }
      const found = partition.batches.flatMap(batch => [...recordsIn(batch)]).find(record => record.timestampMs >= timestamp)
      return { partitionIndex, errorCode: 0, offset: found?.offset ?? -1, timestamp: found?.timestampMs ?? -1 }
    }
    return complete(ListOffsets.response, { topics: topics.map(({ name, partitions }) => ({ name, partitions: partitions.map(p => ask(name, p)) })) })
  })

  readonly #createTopics = on(CreateTopics, async ({ topics, validateOnly }) => complete(CreateTopics.response, {
    topics: topics.map(({ name, numPartitions, replicationFactor, configs }) => {
      const count = numPartitions === -1 ? this.#options.partitions : numPartitions
      const refused = (errorCode: number) => ({ name, errorCode, errorMessage: null, configs: null })
      if (!TOPIC_NAME.test(name)) return refused(errors.INVALID_TOPIC_EXCEPTION)
      if (this.topics.has(name)) return refused(errors.TOPIC_ALREADY_EXISTS)
      if (count < 1) return refused(errors.INVALID_PARTITIONS)
      if (Math.abs(replicationFactor) !== 1) return refused(errors.INVALID_REPLICATION_FACTOR)
      const topicId = validateOnly ? NO_ID : this.create(name, count, configs.map(({ name, value }) => [name, value ?? ''] as const)).id
      return { name, topicId, errorCode: errors.NONE, errorMessage: null, numPartitions: count, replicationFactor: 1, configs: [] }
    })
  }))

  readonly #deleteTopics = on(DeleteTopics, async ({ topics }) => {
    const responses = topics.map(({ name, topicId }) => ({
      name, topicId, errorCode: this.topics.delete(name!) ? errors.NONE : errors.UNKNOWN_TOPIC_OR_PARTITION
    }))
    for (const wake of [...this.#waiters]) wake()
    return complete(DeleteTopics.response, { responses })
  })

  readonly #describeConfigs = on(DescribeConfigs, async ({ resources }) => complete(DescribeConfigs.response, {
    results: resources.map(({ resourceType, resourceName }) => ({
      resourceType,
      resourceName,
      errorCode: this.topics.has(resourceName) ? errors.NONE : errors.UNKNOWN_TOPIC_OR_PARTITION,
      errorMessage: null,
      configs: [...new Map([['cleanup.policy', 'delete'], ...(this.topics.get(resourceName)?.configs ?? [])])].map(([name, value]) =>
        ({ name, value, readOnly: false, configSource: 5, isSensitive: false, synonyms: [] }))
    }))
  }))
}
