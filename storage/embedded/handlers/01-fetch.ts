/**
 * Fetch, v4 to v17.
 * Reads from the hot tail or the files, as chunks that go to the socket as they are. Waits until `minBytes` can be read,
 * for at most `maxWaitMs`; any error is answered at once. The first partition that has something gives at least one whole
 * batch, however large. The first batch may begin before the offset asked for: clients drop what they did not ask for.
 * Not here: sessions (KIP-227; id 0 tells the client to send full fetches), transactions (the last stable offset is the
 * high watermark), replicas.
 */
import { KafkaError, errors } from '../../../protocol/errors.ts'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import type { Chunks, Request, Response } from '../../../protocol/schema.ts'
import { LEADER_EPOCH, type Log } from '../../log/log.ts'
import { kafkaErrorOf } from '../failures.ts'
import { handler } from '../handler.ts'
import type { Partition } from '../partition.ts'
import { waitFor } from '../purgatory.ts'
import type { Embedded } from '../state.ts'

type FetchRequest = Request<typeof Fetch>
type PartitionRequest = FetchRequest['topics'][number]['partitions'][number]
type PartitionResponse = Response<typeof Fetch>['responses'][number]['partitions'][number]

const READ_COMMITTED = 1
/** Kafka's `fetch.max.bytes` of a broker: one answer holds no more, whatever is asked for. */
const MAX_BYTES = 57_671_680

export const fetch = handler(Fetch, [4, 17], async (request, context, state) => {
  if (request.sessionId !== 0) return { errorCode: errors.FETCH_SESSION_ID_NOT_FOUND, sessionId: 0, responses: [] }
  const maxBytes = Math.min(request.maxBytes, MAX_BYTES)
  const minBytes = Math.min(request.minBytes, maxBytes)
  let deadline = performance.now() + request.maxWaitMs
  for (;;) {
    const look = new Look(request, maxBytes, state)
    await look.read()
    const missing = minBytes - look.bytes
    const leftMs = deadline - performance.now()
    if (missing <= 0 || look.failed || leftMs <= 0 || context.signal.aborted) {
      return { throttleTimeMs: 0, errorCode: errors.NONE, sessionId: 0, responses: look.responses, nodeEndpoints: [] }
    }
    // What was committed while files were read would not wake us any more.
    if (look.isOutdated) continue
    const reason = await waitFor(look.found.map(({ partition }) => partition.waiting), missing, leftMs, context.signal)
    if (reason === 'gone') deadline = 0 // a last look: nothing more will come
  }
})

/** A partition that can be read. */
interface Found {
  readonly partition: Partition
  readonly wanted: PartitionRequest
  readonly response: PartitionResponse
  /** How far it was committed when it was looked at. */
  readonly seen: number
}

/** One look at everything that is asked for. */
class Look {
  readonly responses: Response<typeof Fetch>['responses']
  readonly found: Found[] = []
  bytes = 0
  failed = false
  /** Bytes that may still be given out. */
  #room: number

  constructor (request: FetchRequest, maxBytes: number, state: Embedded) {
    this.#room = maxBytes
    const readCommitted = request.isolationLevel === READ_COMMITTED
    this.responses = request.topics.map(({ topic, topicId, partitions }) => {
      const { name, id } = nameOf(state, topic, topicId)
      return { topic: name, topicId: id, partitions: partitions.map(wanted => this.#find(name, wanted, emptyResponse(wanted.partition, readCommitted), state)) }
    })
  }

  #find (topic: string, wanted: PartitionRequest, response: PartitionResponse, state: Embedded): PartitionResponse {
    try {
      const partition = findPartition(state, topic, wanted)
      const { committedOffset, startOffset } = partition.log
      response.highWatermark = response.lastStableOffset = committedOffset
      response.logStartOffset = startOffset
      this.found.push({ partition, wanted, response, seen: committedOffset })
    } catch (error) {
      this.#refuse(response, error)
    }
    return response
  }

  get isOutdated (): boolean {
    return this.found.some(({ partition, seen }) => partition.log.committedOffset !== seen)
  }

  /** Reads from memory at once, from files side by side. */
  async read (): Promise<void> {
    const reading: Promise<void>[] = []
    const starved: Found[] = []
    let isFirst = true
    for (const one of this.found) {
      const hasMore = one.wanted.fetchOffset !== one.seen
      const limit = this.#limitOf(one)
      if (hasMore && limit === 0 && !isFirst) {
        starved.push(one)
        continue
      }
      const chunks = this.#readFrom(one, limit, isFirst && hasMore)
      if (hasMore) isFirst = false
      if (!(chunks instanceof Promise)) {
        this.#take(one, chunks, 0)
        continue
      }
      // What a file will give is only known later: until then it counts for all it may give.
      this.#room -= limit
      reading.push(chunks.then(read => this.#take(one, read, limit), error => this.#refuse(one.response, error)))
    }
    await Promise.all(reading)
    // What others have left. Compaction can have left the first one without anything.
    for (const one of this.bytes > 0 ? starved : this.found) {
      const limit = this.#limitOf(one)
      if (one.wanted.fetchOffset === one.seen || one.response.errorCode !== errors.NONE) continue
      if (limit === 0 && this.bytes > 0) break
      try {
        this.#take(one, await this.#readFrom(one, limit, this.bytes === 0), 0)
      } catch (error) {
        this.#refuse(one.response, error)
      }
    }
  }

  #limitOf ({ wanted }: Found): number {
    return Math.max(0, Math.min(wanted.partitionMaxBytes, this.#room))
  }

  #readFrom ({ partition: { log }, wanted: { fetchOffset }, response }: Found, limit: number, atLeastOne: boolean): ReturnType<Log['read']> {
    try {
      return log.read(fetchOffset, limit, atLeastOne)
    } catch (error) {
      this.#refuse(response, error)
      return noChunks
    }
  }

  #take ({ response }: Found, chunks: Chunks, reserved: number): void {
    const size = sizeOf(chunks)
    response.records = chunks
    this.#room += reserved - size
    this.bytes += size
  }

  #refuse (response: PartitionResponse, error: unknown): void {
    response.errorCode = kafkaErrorOf(error).errorCode
    response.highWatermark = response.lastStableOffset = response.logStartOffset = -1
    this.failed = true
  }
}

/** From v13 on topics are asked for by id. */
function nameOf (state: Embedded, name: string, id: string): { name: string, id: string } {
  return name === '' ? { name: state.topics.byId(id)?.name ?? '', id } : { name, id: state.topics.get(name)?.id ?? id }
}

function findPartition (state: Embedded, topic: string, { partition: index, currentLeaderEpoch }: PartitionRequest): Partition {
  if (topic === '') throw new KafkaError('UNKNOWN_TOPIC_ID')
  const partition = state.topics.partition(topic, index)
  if (partition === undefined) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION')
  if (currentLeaderEpoch > LEADER_EPOCH) throw new KafkaError('UNKNOWN_LEADER_EPOCH')
  return partition
}

const noChunks: Chunks = []

function sizeOf (chunks: Chunks): number {
  let size = 0
  for (const chunk of chunks) size += chunk.length
  return size
}

function emptyResponse (partitionIndex: number, readCommitted: boolean): PartitionResponse {
  return {
    partitionIndex,
    errorCode: errors.NONE,
    highWatermark: -1,
    lastStableOffset: -1,
    logStartOffset: -1,
    divergingEpoch: { epoch: -1, endOffset: -1 },
    currentLeader: { leaderId: -1, leaderEpoch: -1 },
    snapshotId: { endOffset: -1, epoch: -1 },
    abortedTransactions: readCommitted ? [] : null,
    preferredReadReplica: -1,
    records: noChunks
  }
}
