/**
 * A producer over Dispatch: finds the partition of each record, cuts what goes to a partition into batches and sends one
 * Produce for every round of them. No linger and no retries: waiting callers are batched behind the policies, by the
 * engine's group commit.
 */
import { errors, KafkaError, type ErrorName } from '../../protocol/errors.ts'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import { buildBatch, type NewRecord } from '../../protocol/records.ts'
import { complete } from '../../protocol/defaults.ts'
import { newest, type Context, type Dispatch } from '../../protocol/rpc.ts'
import type { Response } from '../../protocol/schema.ts'
import { failure, forbidden, topicError } from './failures.ts'
import { partitionOfKey } from './partitioner.ts'
import { recallShape, rememberShape, type TopicShape } from './shapes.ts'

export interface OutgoingRecord extends NewRecord {
  /** Where to put it; without one the key decides, and without a key the next partition in turn. */
  readonly partition?: number | undefined
}

export interface Receipt {
  readonly partition: number
  readonly offset: number
  readonly timestampMs: number
}

/** What became of one record: a receipt, or why there is none. */
export type Outcome = Receipt | KafkaError

/** What one batch holds at most, unless a single record is larger: half of Kafka's default `max.message.bytes`. */
const BATCH_BYTES = 512 * 1024
const PRODUCE_TIMEOUT_MS = 30_000

let turn = 0

/** Positions of records that go into one batch, in order. */
type Piece = readonly number[]

/**
 * Appends records to one topic, creating it if the engine creates topics on demand. Answers in the order of `records`;
 * records of one partition keep their order. After a batch that was refused, the later batches of its partition are sent
 * all the same, or with `stop` are not: their outcome is OPERATION_NOT_ATTEMPTED then. Where the log names the records at
 * fault, the others of their batch are sent once more, without them.
 * Rejects with KafkaError if the topic as a whole is out of reach.
 */
export async function produce (
  dispatch: Dispatch, context: Context, topic: string, records: readonly OutgoingRecord[], acks: -1 | 1 = -1,
  afterError: 'continue' | 'stop' = 'continue'
): Promise<Outcome[]> {
  const shape = recallShape(dispatch, context.principal, topic)
  if (shape !== null) {
    const outcomes = await send(dispatch, context, topic, shape, records, acks, afterError)
    if (!outcomes.every(isElsewhere)) return outcomes
    // Nothing was appended: the topic has gone, or has grown, since it was asked about.
  }
  const fresh = await describeTopic(dispatch, context, topic, true, 'WRITE')
  rememberShape(dispatch, context.principal, topic, fresh)
  return await send(dispatch, context, topic, fresh, records, acks, afterError)
}

async function send (
  dispatch: Dispatch, context: Context, topic: string, { topicId, partitionCount }: TopicShape, records: readonly OutgoingRecord[],
  acks: -1 | 1, afterError: 'continue' | 'stop'
): Promise<Outcome[]> {
  const nowMs = Date.now()
  const outcomes: Outcome[] = new Array(records.length)
  const queues = assign(topic, partitionCount, records, outcomes)
  const sentAgain = new Set<Piece>()
  while (queues.size > 0) {
    const round = new Map<number, Piece>()
    for (const [index, pieces] of queues) round.set(index, pieces.shift()!)
    const partitionData = Array.from(round, ([index, piece]) => ({
      index, records: [buildBatch(piece.map(i => records[i]!), { nowMs }).bytes]
    }))
    const response = await dispatch(Produce, complete(Produce.request, {
      acks, timeoutMs: PRODUCE_TIMEOUT_MS, topicData: [{ name: topic, topicId, partitionData }]
    }), { ...context, version: newest(Produce) })
    for (const [index, piece] of round) {
      const pieces = queues.get(index)!
      const answer = response.responses[0]?.partitionResponses.find(one => one.index === index)
      const errorCode = answer?.errorCode ?? errors.UNKNOWN_SERVER_ERROR
      if (errorCode === errors.MESSAGE_TOO_LARGE && piece.length > 1) {
        // The topic allows less than we put together; each record may still be small enough.
        const half = piece.length >> 1
        pieces.unshift(piece.slice(0, half), piece.slice(half))
        continue
      }
      piece.forEach((i, delta) => { outcomes[i] = outcomeOf(topic, answer, delta, records[i]!.timestampMs ?? nowMs) })
      if (errorCode !== errors.NONE && afterError === 'stop') {
        for (const i of pieces.splice(0).flat()) outcomes[i] = new KafkaError('OPERATION_NOT_ATTEMPTED')
      }
      // One record takes no others with it: whoever has sent them did not put them into one batch.
      const rest = sentAgain.has(piece) ? [] : innocent(piece, answer, afterError)
      if (rest.length > 0) {
        sentAgain.add(rest)
        pieces.unshift(rest)
      }
      if (pieces.length === 0) queues.delete(index)
    }
  }
  return outcomes
}

/** Of a batch that was refused for some of its records: the others, or with `stop` those before the first of them. */
function innocent (piece: Piece, answer: PartitionAnswer | undefined, afterError: 'continue' | 'stop'): Piece {
  if (answer === undefined || answer.errorCode === errors.NONE || answer.recordErrors.length === 0) return []
  const culprits = new Set(answer.recordErrors.map(({ batchIndex }) => batchIndex))
  const first = answer.recordErrors.reduce((least, { batchIndex }) => Math.min(least, batchIndex), Infinity)
  return piece.filter((_, delta) => afterError === 'stop' ? delta < first : !culprits.has(delta))
}

/** Which records go into which batches of which partition. Those that have none get their outcome at once. */
function assign (topic: string, partitionCount: number, records: readonly OutgoingRecord[], outcomes: Outcome[]): Map<number, Piece[]> {
  const queues = new Map<number, number[][]>()
  const sizes = new Map<number, number>()
  const keyless = turn++ % partitionCount
  for (let i = 0; i < records.length; i++) {
    const { partition, key, value } = records[i]!
    const target = partition ?? (key === null ? keyless : partitionOfKey(key, partitionCount))
    if (target >= partitionCount || target < 0) {
      outcomes[i] = new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `Topic ${topic} has no partition ${target}: it has ${partitionCount}.`)
      continue
    }
    const size = (key?.length ?? 0) + (value?.length ?? 0)
    const filled = (sizes.get(target) ?? 0) + size
    const pieces = queues.get(target)
    if (pieces === undefined) queues.set(target, [[i]])
    else if (filled > BATCH_BYTES) pieces.push([i])
    else pieces.at(-1)!.push(i)
    sizes.set(target, filled > BATCH_BYTES ? size : filled)
  }
  return queues
}

type MetadataTopic = Response<typeof Metadata>['topics'][number]
type PartitionAnswer = Response<typeof Produce>['responses'][number]['partitionResponses'][number]

/** `timestampMs` is what the record has unless the topic stamps it at the append. */
function outcomeOf (topic: string, answer: PartitionAnswer | undefined, delta: number, timestampMs: number): Outcome {
  if (answer === undefined) return new KafkaError('UNKNOWN_SERVER_ERROR', 'The log did not say what became of the record.')
  const { index, errorCode, errorMessage, baseOffset, logAppendTimeMs, recordErrors } = answer
  if (errorCode === errors.NONE) return { partition: index, offset: baseOffset + delta, timestampMs: logAppendTimeMs >= 0 ? logAppendTimeMs : timestampMs }
  // KIP-467: a batch is refused as a whole, but the broker says which of its records were at fault.
  const culprit = recordErrors.find(({ batchIndex }) => batchIndex === delta)
  if (recordErrors.length === 0 || culprit !== undefined) return failure(Produce, errorCode, topic, culprit?.batchIndexErrorMessage ?? errorMessage)
  return new KafkaError('OPERATION_NOT_ATTEMPTED', 'Not appended, because another record of the same batch was refused.')
}

/** Errors that say that the topic is not the one that was asked about, and what follows from them. */
const elsewhere: ReadonlySet<ErrorName> = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'UNKNOWN_TOPIC_ID', 'OPERATION_NOT_ATTEMPTED'])

const isElsewhere = (outcome: Outcome): boolean => outcome instanceof KafkaError && elsewhere.has(outcome.code)

/** What a topic is described for: the permission to do that implies the one to describe it, and is the one to ask for. */
export type Purpose = 'READ' | 'WRITE' | 'DESCRIBE'

/** Rejects with KafkaError, UNKNOWN_TOPIC_OR_PARTITION among them where topics are not created on demand. */
export async function describeTopic (
  dispatch: Dispatch, context: Context, topic: string, create = true, purpose: Purpose = 'DESCRIBE'
): Promise<TopicShape> {
  const ask = async (allowAutoTopicCreation: boolean): Promise<MetadataTopic> => {
    const { topics: [found] } = await dispatch(Metadata, complete(Metadata.request, {
      topics: [{ name: topic }], allowAutoTopicCreation
    }), { ...context, version: newest(Metadata) })
    if (found === undefined) throw topicError(Metadata, errors.UNKNOWN_TOPIC_OR_PARTITION, topic)
    return found
  }
  const { errorCode, topicId, partitions } = await ask(create)
  if (errorCode === errors.NONE) return { topicId, partitionCount: partitions.length }
  if (errorCode !== errors.TOPIC_AUTHORIZATION_FAILED) throw topicError(Metadata, errorCode, topic)
  // The code is the same whether the topic may not be described or, not being there, may not be created.
  const isMissing = create && (await ask(false)).errorCode === errors.UNKNOWN_TOPIC_OR_PARTITION
  throw forbidden('TOPIC_AUTHORIZATION_FAILED', { operation: isMissing ? 'CREATE' : purpose, resourceType: 'TOPIC', resourceName: topic })
}
