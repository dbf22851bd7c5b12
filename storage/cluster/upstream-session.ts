/**
 * Fetch sessions of our own with the brokers (KIP-227): who follows many partitions names to a broker only what has changed
 * since the last time, and is answered only where something is new. One for each connection that waits at a broker. Above
 * this file requests and answers are whole; the sessions of clients have ended before (`src/policies/fetch-sessions.ts`).
 */
import { errors } from '../../protocol/errors.ts'
import { empty, endKey, type FetchRequest, type Partition, type Topic } from './fetched.ts'
import type { FetchedPartition, FetchResponse, PartitionEnd } from './polls.ts'

/** With fewer partitions a session saves nothing, and takes a place among the few that a broker has. */
export const SESSION_FROM = 16
/** From this version on there are sessions. */
export const SESSIONS_SINCE = 7

/** The session is not there any more, or not as we think: it is begun anew. */
const lost: ReadonlySet<number> = new Set([
  errors.FETCH_SESSION_ID_NOT_FOUND, errors.INVALID_FETCH_SESSION_EPOCH, errors.FETCH_SESSION_TOPIC_ID_ERROR
])

interface Known {
  readonly topic: Topic
  readonly partition: Partition
  end: PartitionEnd | null
}

type Ask = (request: FetchRequest) => Promise<FetchResponse>

export class UpstreamSession {
  #id = 0
  #epoch = 0
  #known = new Map<string, Known>()

  /** Whether one is open, or it is worth while to open one for so many partitions. */
  serves (partitions: number): boolean {
    return this.#id !== 0 || partitions >= SESSION_FROM
  }

  /** The answer to the whole request. Rejects as `ask` does, and begins anew then. */
  async fetch (request: FetchRequest, ask: Ask): Promise<FetchResponse> {
    try {
      if (this.#id !== 0) {
        const answer = await this.#ask(request, ask)
        if (!lost.has(answer.errorCode)) return answer
      }
      return await this.#open(request, ask)
    } catch (error) {
      this.#id = 0
      throw error
    }
  }

  async #open (request: FetchRequest, ask: Ask): Promise<FetchResponse> {
    this.#known = wanted(request)
    const answer = await ask({ ...request, sessionId: 0, sessionEpoch: 0, forgottenTopicsData: [] })
    this.#id = answer.errorCode === errors.NONE ? answer.sessionId : 0
    this.#epoch = 1
    this.#learn(answer)
    return answer
  }

  async #ask (request: FetchRequest, ask: Ask): Promise<FetchResponse> {
    const before = this.#known
    const now = wanted(request)
    const changed = new Map<Topic, Partition[]>()
    for (const [key, one] of now) {
      const old = before.get(key)
      if (old !== undefined) one.end = old.end
      if (old === undefined || !isSame(old.partition, one.partition)) add(changed, one.topic, one.partition)
    }
    const forgotten = new Map<Topic, number[]>()
    for (const [key, { topic, partition }] of before) if (!now.has(key)) add(forgotten, topic, partition.partition)
    this.#known = now
    const answer = await ask({
      ...request,
      sessionId: this.#id,
      sessionEpoch: this.#epoch,
      topics: [...changed].map(([topic, partitions]) => ({ ...topic, partitions })),
      forgottenTopicsData: [...forgotten].map(([{ topic, topicId }, partitions]) => ({ topic, topicId, partitions }))
    })
    this.#epoch = this.#epoch === 0x7fffffff ? 1 : this.#epoch + 1
    if (answer.errorCode !== errors.NONE) return answer
    const news = this.#learn(answer)
    return {
      ...answer,
      responses: request.topics.map(topic => ({
        topic: topic.topic,
        topicId: topic.topicId,
        partitions: topic.partitions.map(({ partition }) => {
          const key = endKey(topic, partition)
          return news.get(key) ?? { ...empty(partition), ...this.#known.get(key)?.end }
        })
      }))
    }
  }

  /** What is new, by partition. */
  #learn ({ responses }: FetchResponse): Map<string, FetchedPartition> {
    const news = new Map<string, FetchedPartition>()
    for (const topic of responses) {
      for (const partition of topic.partitions) {
        const key = endKey(topic as unknown as Topic, partition.partitionIndex)
        news.set(key, partition)
        const known = this.#known.get(key)
        if (known === undefined || partition.errorCode !== errors.NONE) continue
        const { highWatermark, lastStableOffset, logStartOffset } = partition
        known.end = { highWatermark, lastStableOffset, logStartOffset }
      }
    }
    return news
  }
}

function wanted ({ topics }: FetchRequest): Map<string, Known> {
  const all = new Map<string, Known>()
  for (const topic of topics) for (const partition of topic.partitions) all.set(endKey(topic, partition.partition), { topic, partition, end: null })
  return all
}

function add<T> (to: Map<Topic, T[]>, topic: Topic, one: T): void {
  const own = to.get(topic)
  if (own === undefined) to.set(topic, [one])
  else own.push(one)
}

function isSame (some: Partition, other: Partition): boolean {
  return some.fetchOffset === other.fetchOffset && some.currentLeaderEpoch === other.currentLeaderEpoch && some.lastFetchedEpoch === other.lastFetchedEpoch &&
    some.logStartOffset === other.logStartOffset && some.partitionMaxBytes === other.partitionMaxBytes
}
