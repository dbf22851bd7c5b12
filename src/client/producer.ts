/**
 * A producer over Dispatch: finds the partition of each record, builds one batch per partition and sends one Produce.
 * No linger and no retries: waiting callers are batched behind the policies, by the engine's group commit.
 */
import { errorRow, errors, KafkaError, type ErrorName } from '../../protocol/errors.ts'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import { buildBatch, type NewRecord } from '../../protocol/records.ts'
import { complete } from '../../protocol/defaults.ts'
import { newest, type Context, type Dispatch } from '../../protocol/rpc.ts'
import { partitionOfKey } from './partitioner.ts'

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

/** Room that one batch leaves below `max.message.bytes` for its header. */
const PRODUCE_TIMEOUT_MS = 30_000

let turn = 0

/**
 * Appends records to one topic, creating it if the engine creates topics on demand. Answers in the order of `records`;
 * records of one partition keep their order. Rejects with KafkaError if the topic as a whole is out of reach.
 */
export async function produce (
  dispatch: Dispatch, context: Context, topic: string, records: readonly OutgoingRecord[], acks: -1 | 1 = -1
): Promise<Outcome[]> {
  const { topicId, partitionCount } = await describeTopic(dispatch, context, topic)
  const nowMs = Date.now()
  const outcomes: Outcome[] = new Array(records.length)
  const byPartition = new Map<number, number[]>()
  const keyless = turn++ % partitionCount
  for (let i = 0; i < records.length; i++) {
    const { partition, key } = records[i]!
    const target = partition ?? (key === null ? keyless : partitionOfKey(key, partitionCount))
    if (target >= partitionCount || target < 0) {
      outcomes[i] = new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `Topic ${topic} has no partition ${target}: it has ${partitionCount}.`)
      continue
    }
    const members = byPartition.get(target)
    if (members === undefined) byPartition.set(target, [i])
    else members.push(i)
  }
  if (byPartition.size === 0) return outcomes

  const partitionData = [...byPartition].map(([index, members]) => ({
    index, records: [buildBatch(members.map(i => records[i]!), { nowMs }).bytes]
  }))
  const response = await dispatch(Produce, complete(Produce.request, {
    acks, timeoutMs: PRODUCE_TIMEOUT_MS, topicData: [{ name: topic, topicId, partitionData }]
  }), { ...context, version: newest(Produce) })

  for (const { index, errorCode, errorMessage, baseOffset, logAppendTimeMs, recordErrors } of response.responses[0]?.partitionResponses ?? []) {
    const members = byPartition.get(index) ?? []
    members.forEach((i, delta) => {
      const reason = recordErrors.find(error => error.batchIndex === delta)?.batchIndexErrorMessage ?? errorMessage
      outcomes[i] = errorCode !== errors.NONE
        ? kafkaError(errorCode, reason)
        : { partition: index, offset: baseOffset + delta, timestampMs: logAppendTimeMs >= 0 ? logAppendTimeMs : records[i]!.timestampMs ?? nowMs }
    })
  }
  return outcomes
}

export interface TopicShape {
  readonly topicId: string
  readonly partitionCount: number
}

/** Rejects with KafkaError, UNKNOWN_TOPIC_OR_PARTITION among them where topics are not created on demand. */
export async function describeTopic (dispatch: Dispatch, context: Context, topic: string, create = true): Promise<TopicShape> {
  const response = await dispatch(Metadata, complete(Metadata.request, {
    topics: [{ name: topic }], allowAutoTopicCreation: create
  }), { ...context, version: newest(Metadata) })
  const found = response.topics[0]
  if (found === undefined) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION')
  if (found.errorCode !== errors.NONE) throw topicError(found.errorCode, topic)
  return { topicId: found.topicId, partitionCount: found.partitions.length }
}

function topicError (errorCode: number, topic: string): KafkaError {
  const { name, sentence } = errorRow(errorCode)
  return new KafkaError(name, name === 'UNKNOWN_TOPIC_OR_PARTITION' ? `There is no topic ${topic}.` : `Topic ${topic}: ${sentence}`)
}

export function kafkaError (errorCode: number, message?: string | null): KafkaError {
  const name: ErrorName = errorRow(errorCode).name
  return new KafkaError(name, message ?? undefined)
}
