/**
 * One fetch session (KIP-227): the partitions that a client reads, and what it was told last about each of them, so that
 * its requests name only what changes and its answers only what has changed.
 *
 * A partition takes some 250 bytes, its topic as many, the session 1.5 KiB.
 */
import { errors } from '../../protocol/errors.ts'
import type { Fetch } from '../../protocol/messages/01-fetch.ts'
import type { Principal } from '../../protocol/rpc.ts'
import type { Chunks, Request, Response } from '../../protocol/schema.ts'

export type FetchRequest = Request<typeof Fetch>
export type FetchResponse = Response<typeof Fetch>
export type TopicRequest = FetchRequest['topics'][number]
type TopicResponse = FetchResponse['responses'][number]
type PartitionResponse = TopicResponse['partitions'][number]

interface Topic {
  readonly topic: string
  readonly topicId: string
  readonly partitions: Map<number, Partition>
}

interface Partition {
  readonly of: Topic
  /** As the client asked for it last. Never written to: the request that it came with may be in the engine still. */
  wanted: TopicRequest['partitions'][number]
  /** What the client was told last. */
  highWatermark: number
  logStartOffset: number
}

/** What no log has: whatever the first answer says is news. */
const UNTOLD = -1

export interface SessionOptions {
  readonly id: number
  readonly owner: Principal
  /** Whether it names topics by their ids, or by their names. One session does not do both. */
  readonly usesIds: boolean
  readonly nowMs: number
}

export class FetchSession {
  readonly id: number
  readonly owner: Principal
  readonly usesIds: boolean
  readonly createdMs: number
  lastUsedMs: number
  /** The epoch that its next request has. */
  epoch = 1
  readonly #topics = new Map<string, Topic>()
  /** In the order in which they are read: who had records goes to the end, so that nobody starves. */
  readonly #order = new Set<Partition>()
  /** The same for the engine, until something changes. */
  #list: TopicRequest[] | null = null

  constructor ({ id, owner, usesIds, nowMs }: SessionOptions) {
    this.id = id
    this.owner = owner
    this.usesIds = usesIds
    this.createdMs = this.lastUsedMs = nowMs
  }

  /** Partitions. */
  get size (): number {
    return this.#order.size
  }

  /** What a request changes: partitions that are new or wanted otherwise, and those that are not wanted any more. */
  update (topics: readonly TopicRequest[], forgotten: FetchRequest['forgottenTopicsData']): void {
    for (const { topic, topicId, partitions } of topics) {
      if (partitions.length === 0) continue
      const of = this.#topic(topic, topicId)
      for (const wanted of partitions) this.#want(of, wanted)
    }
    for (const { topic, topicId, partitions } of forgotten) for (const partition of partitions) this.#forget(this.#keyOf(topic, topicId), partition)
  }

  /** Everything, as one request. Not to be written to. */
  all (): TopicRequest[] {
    if (this.#list !== null) return this.#list
    const list: TopicRequest[] = []
    let last: Topic | null = null
    let partitions: TopicRequest['partitions'] = []
    for (const { of, wanted } of this.#order) {
      if (of !== last) {
        last = of
        partitions = []
        list.push({ topic: of.topic, topicId: of.topicId, partitions })
      }
      partitions.push(wanted)
    }
    this.#list = list
    return list
  }

  /** Remembers what the first answer, which goes to the client as it is, has told. */
  told (responses: readonly TopicResponse[]): void {
    for (const { topic, topicId, partitions } of responses) {
      const known = this.#topics.get(this.#keyOf(topic, topicId))
      if (known === undefined) continue
      for (const answer of partitions) {
        const partition = known.partitions.get(answer.partitionIndex)
        if (partition !== undefined) tell(partition, answer)
      }
    }
  }

  /** What the client has not been told yet, which it is taken to be told hereby. */
  news (responses: readonly TopicResponse[]): TopicResponse[] {
    const news: TopicResponse[] = []
    for (const response of responses) {
      const known = this.#topics.get(this.#keyOf(response.topic, response.topicId))
      if (known === undefined) continue
      const partitions = response.partitions.filter(answer => this.#tell(known, answer))
      if (partitions.length === response.partitions.length) news.push(response)
      else if (partitions.length > 0) news.push({ ...response, partitions })
    }
    return news
  }

  /** Whether it was news. */
  #tell (topic: Topic, answer: PartitionResponse): boolean {
    const partition = topic.partitions.get(answer.partitionIndex)
    if (partition === undefined || !tell(partition, answer)) return false
    if (hasBytes(answer.records)) {
      this.#order.delete(partition)
      this.#order.add(partition)
      this.#list = null
    }
    return true
  }

  #keyOf (topic: string, topicId: string): string {
    return this.usesIds ? topicId : topic
  }

  #topic (topic: string, topicId: string): Topic {
    const key = this.#keyOf(topic, topicId)
    let known = this.#topics.get(key)
    if (known === undefined) this.#topics.set(key, known = { topic, topicId, partitions: new Map() })
    return known
  }

  #want (of: Topic, wanted: Partition['wanted']): void {
    this.#list = null
    const known = of.partitions.get(wanted.partition)
    if (known !== undefined) {
      known.wanted = wanted
      return
    }
    const partition = { of, wanted, highWatermark: UNTOLD, logStartOffset: UNTOLD }
    of.partitions.set(wanted.partition, partition)
    this.#order.add(partition)
  }

  #forget (key: string, index: number): void {
    const topic = this.#topics.get(key)
    const partition = topic?.partitions.get(index)
    if (topic === undefined || partition === undefined) return
    this.#list = null
    this.#order.delete(partition)
    topic.partitions.delete(index)
    if (topic.partitions.size === 0) this.#topics.delete(key)
  }
}

/** What the answer says is known to the client from now on. Whether it was news is decided as Kafka does. */
function tell (partition: Partition, answer: PartitionResponse): boolean {
  const { errorCode, highWatermark, logStartOffset, preferredReadReplica, divergingEpoch, records } = answer
  const hasFailed = errorCode !== errors.NONE
  const isNew = hasFailed || highWatermark !== partition.highWatermark || logStartOffset !== partition.logStartOffset ||
    preferredReadReplica !== -1 || divergingEpoch.epoch >= 0 || hasBytes(records)
  // When an error goes away, that is news.
  partition.highWatermark = hasFailed ? UNTOLD : highWatermark
  partition.logStartOffset = logStartOffset
  return isNew
}

function hasBytes (records: Chunks | null): boolean {
  if (records !== null) for (const chunk of records) if (chunk.length > 0) return true
  return false
}
