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
import { type Chunks, type Request, type Response } from '../../../protocol/schema.ts'
import { LEADER_EPOCH } from '../../log/log.ts'
import { handler } from '../handler.ts'
import { type Partition } from '../partition.ts'
import { waitFor } from '../purgatory.ts'
import { type Embedded } from '../state.ts'

type FetchRequest = Request<typeof Fetch>
type PartitionRequest = FetchRequest['topics'][number]['partitions'][number]
type PartitionResponse = Response<typeof Fetch>['responses'][number]['partitions'][number]

const READ_COMMITTED = 1

interface Found {
  readonly responses: Response<typeof Fetch>['responses']
  readonly partitions: readonly Partition[]
  /** How far each partition was committed when it was read. */
  readonly seen: readonly number[]
  readonly bytes: number
  readonly failed: boolean
}

export const fetch = handler(Fetch, [4, 17], async (request, context, state) => {
  if (request.sessionId !== 0) return { errorCode: errors.FETCH_SESSION_ID_NOT_FOUND, sessionId: 0, responses: [] }
  const deadline = performance.now() + request.maxWaitMs
  for (;;) {
    const found = await findAll(request, state)
    const missing = request.minBytes - found.bytes
    const leftMs = deadline - performance.now()
    if (missing <= 0 || found.failed || leftMs <= 0 || context.signal.aborted) {
      return { throttleTimeMs: 0, errorCode: errors.NONE, sessionId: 0, responses: found.responses, nodeEndpoints: [] }
    }
    // What was committed while files were read would not wake us any more.
    if (found.partitions.some((partition, i) => partition.log.committedOffset !== found.seen[i])) continue
    await waitFor(found.partitions.map(partition => partition.waiting), missing, leftMs, context.signal)
  }
})

async function findAll (request: FetchRequest, state: Embedded): Promise<Found> {
  const partitions: Partition[] = []
  const seen: number[] = []
  const reading: Promise<void>[] = []
  const readCommitted = request.isolationLevel === READ_COMMITTED
  let room = request.maxBytes
  let isFirst = true
  let failed = false
  const responses = request.topics.map(topic => {
    const { name, id } = nameOf(state, topic.topic, topic.topicId)
    return {
      topic: name,
      topicId: id,
      partitions: topic.partitions.map(wanted => {
        const response = emptyResponse(wanted.partition, readCommitted)
        try {
          const partition = find(state, name, wanted)
          partitions.push(partition)
          const { log } = partition
          seen.push(log.committedOffset)
          response.logStartOffset = log.startOffset
          response.highWatermark = response.lastStableOffset = log.committedOffset
          const hasMore = wanted.fetchOffset !== log.committedOffset
          const limit = Math.min(wanted.partitionMaxBytes, Math.max(0, room))
          const chunks = limit > 0 || (isFirst && hasMore) ? log.read(wanted.fetchOffset, limit, isFirst && hasMore) : noChunks
          if (chunks instanceof Promise) {
            // What a read from the file will bring is only known later: it gets all it may take.
            room -= limit
            reading.push(chunks.then(read => { response.records = read }, error => refuse(response, error)))
          } else {
            response.records = chunks
            room -= sizeOf(chunks)
          }
          if (hasMore) isFirst = false
        } catch (error) {
          refuse(response, error)
          failed = true
        }
        return response
      })
    }
  })
  if (reading.length > 0) await Promise.all(reading)
  let bytes = 0
  for (const topic of responses) {
    for (const { records, errorCode } of topic.partitions) {
      bytes += sizeOf(records ?? noChunks)
      if (errorCode !== errors.NONE) failed = true
    }
  }
  return { responses, partitions, seen, bytes, failed }
}

/** From v13 on topics are asked for by id. */
function nameOf (state: Embedded, name: string, id: string): { name: string, id: string } {
  return name === '' ? { name: state.topics.byId(id)?.name ?? '', id } : { name, id: state.topics.get(name)?.id ?? id }
}

function find (state: Embedded, topic: string, { partition: index, currentLeaderEpoch }: PartitionRequest): Partition {
  if (topic === '') throw new KafkaError('UNKNOWN_TOPIC_ID')
  const partition = state.topics.partition(topic, index)
  if (partition === undefined) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION')
  if (currentLeaderEpoch > LEADER_EPOCH) throw new KafkaError('UNKNOWN_LEADER_EPOCH')
  return partition
}

function refuse (response: PartitionResponse, error: unknown): void {
  if (!(error instanceof KafkaError)) throw error
  response.errorCode = error.errorCode
  response.highWatermark = response.lastStableOffset = response.logStartOffset = -1
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
