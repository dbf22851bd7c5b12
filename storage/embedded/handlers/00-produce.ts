/**
 * Produce, v3 to v13.
 * Appends one batch to each partition and answers when all of them are as durable as `acks` asks: -1 when they are
 * committed, 1 when they are in the file, 0 never. A partition that fails does not hold up the others. A batch that an
 * idempotent producer sends twice is answered with the offset it has. Internal topics are written by the engine alone.
 * Not here: transactions; waiting no longer than `timeoutMs` (there are no replicas to wait for).
 */
import { RecordBatch, batchSizeAt } from '../../../protocol/batch.ts'
import { KafkaError, errors } from '../../../protocol/errors.ts'
import { Produce } from '../../../protocol/messages/00-produce.ts'
import type { Chunks, Request, Response } from '../../../protocol/schema.ts'
import { kafkaErrorOf } from '../failures.ts'
import { handler } from '../handler.ts'
import type { Appended, Partition } from '../partition.ts'
import type { Embedded } from '../state.ts'
import { InvalidRecordsError } from '../validation.ts'

type TopicRequest = Request<typeof Produce>['topicData'][number]
type PartitionResponse = Response<typeof Produce>['responses'][number]['partitionResponses'][number]

const ZSTD = 4
/** KIP-110: before, zstd meant nothing to the protocol. */
const ZSTD_SINCE = 7

export const produce = handler(Produce, [3, 13], async (request, context, state) => {
  const { acks, topicData } = request
  const waiting: Promise<void>[] = []
  const responses = topicData.map(topic => ({
    name: topic.name,
    topicId: topic.topicId,
    partitionResponses: topic.partitionData.map(({ index, records }) => {
      const response = emptyResponse(index)
      try {
        if (acks < -1 || acks > 1) throw new KafkaError('INVALID_REQUIRED_ACKS')
        const partition = findPartition(state, topic, index)
        const appended = partition.append(onlyBatch(records, context.version))
        response.baseOffset = appended.baseOffset
        response.logAppendTimeMs = appended.appendTimeMs
        response.logStartOffset = partition.log.startOffset
        if (acks !== 0) waiting.push(durable(partition, appended, acks, response))
      } catch (error) {
        refuse(response, error)
      }
      return response
    })
  }))
  if (waiting.length > 0) await Promise.all(waiting)
  return { responses, throttleTimeMs: 0, nodeEndpoints: [] }
})

function findPartition (state: Embedded, { name, topicId }: TopicRequest, index: number): Partition {
  const topic = name === '' ? state.topics.byId(topicId) : state.topics.get(name)
  if (topic === undefined && name === '') throw new KafkaError('UNKNOWN_TOPIC_ID')
  const partition = topic?.partitions[index]
  if (partition === undefined) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `There is no partition ${index} of topic ${name}.`)
  if (topic!.isInternal) throw new KafkaError('INVALID_TOPIC_EXCEPTION', `Topic ${topic!.name} is internal: clients cannot write to it.`)
  return partition
}

/** From Produce v3 on a partition gets exactly one batch. */
function onlyBatch (chunks: Chunks | null, version: number): RecordBatch {
  const bytes = chunks?.length === 1 ? chunks[0]! : Buffer.concat(chunks ?? [])
  const size = batchSizeAt(bytes, 0)
  // Formats 0 and 1 have their magic byte in the same place, so they are told apart before the length is looked at.
  if (bytes.length > 16 && bytes[16]! < 2) {
    throw new KafkaError('INVALID_RECORD', `Message format ${bytes[16]} is not accepted: produce with format 2 (Kafka 0.11 and later).`)
  }
  if (size > bytes.length) throw new KafkaError('CORRUPT_MESSAGE', `A batch of ${size} bytes was announced, ${bytes.length} came.`)
  if (size !== bytes.length) throw new KafkaError('INVALID_RECORD', 'A partition must get exactly one record batch.')
  const batch = new RecordBatch(bytes)
  if (batch.compression === ZSTD && version < ZSTD_SINCE) throw new KafkaError('UNSUPPORTED_COMPRESSION_TYPE')
  return batch
}

async function durable (partition: Partition, { nextOffset }: Appended, acks: number, response: PartitionResponse): Promise<void> {
  try {
    await (acks === -1 ? partition.log.committed(nextOffset) : partition.log.written(nextOffset))
  } catch (error) {
    refuse(response, error)
  }
}

function refuse (response: PartitionResponse, thrown: unknown): void {
  const error = kafkaErrorOf(thrown)
  response.errorCode = error.errorCode
  response.errorMessage = error.message
  response.baseOffset = -1
  response.logAppendTimeMs = -1
  response.logStartOffset = -1
  if (error instanceof InvalidRecordsError) response.recordErrors = [...error.records]
}

function emptyResponse (index: number): PartitionResponse {
  return {
    index,
    errorCode: errors.NONE,
    baseOffset: -1,
    logAppendTimeMs: -1,
    logStartOffset: -1,
    recordErrors: [],
    errorMessage: null,
    currentLeader: { leaderId: -1, leaderEpoch: -1 }
  }
}
