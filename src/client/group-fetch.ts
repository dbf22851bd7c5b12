/**
 * One Fetch for all partitions of a consumer, and the records in it, given one by one to whoever has room for them.
 */
import { batchesIn } from '../../protocol/batch.ts'
import { complete } from '../../protocol/defaults.ts'
import { errorRow, errors } from '../../protocol/errors.ts'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import { ProtocolError } from '../../protocol/reader.ts'
import { recordsIn, type LogRecord } from '../../protocol/records.ts'
import { newest, type Context, type Dispatch } from '../../protocol/rpc.ts'
import type { Chunks, Response } from '../../protocol/schema.ts'
import { failure, kafkaError } from './failures.ts'
import { byTopic, type PartitionAt } from './group-offsets.ts'
import type { Position } from './positions.ts'

export interface Sink {
  /** False: there is no room for it, and the record is the first to be given next time. The record is a view: copy what is kept. */
  record (at: PartitionAt, record: LogRecord): boolean
  /** The same for records from `offset` to before `next` that cannot be read at all. */
  unreadable (at: PartitionAt, offset: number, next: number, error: Error): boolean
}

export interface FetchBounds {
  readonly maxWaitMs: number
  readonly minBytes: number
  readonly maxBytes: number
}

/** A partition that can be asked for: it is known where to begin, and what the topic's id is. */
export interface Target {
  readonly position: Position
  readonly topicId: string
}

export type Fetched = Response<typeof Fetch>

/** Rejects with KafkaError. */
export async function fetchOnce (dispatch: Dispatch, context: Context, targets: readonly Target[], bounds: FetchBounds): Promise<Fetched> {
  const { maxWaitMs, minBytes, maxBytes } = bounds
  const ids = new Map(targets.map(({ position, topicId }) => [position.topic, topicId]))
  const response = await dispatch(Fetch, complete(Fetch.request, {
    maxWaitMs,
    minBytes,
    maxBytes,
    topics: [...byTopic(targets.map(({ position }) => position))].map(([topic, positions]) => ({
      topic,
      topicId: ids.get(topic)!,
      partitions: positions.map(({ partition, next }) => ({ partition, fetchOffset: next!, partitionMaxBytes: maxBytes }))
    }))
  }), { ...context, version: newest(Fetch) })
  if (response.errorCode !== errors.NONE) throw kafkaError(response.errorCode)
  return response
}

export interface Delivered {
  /** Whether any position has moved, also past what is not shown. */
  readonly hasMoved: boolean
  /** Something was wrong that may pass: the topic's id may be another one by now. */
  readonly isStale: boolean
  /** What keeps a partition from being read; it is for the caller to know once there is nothing else to give. */
  readonly failure: Error | null
}

/**
 * Gives the records to the sink, until it is full, and moves the positions behind them. Throws what the sink throws: the positions are
 * where they were then, because nobody will get what it was given before.
 */
export function deliver (fetched: Fetched, targets: readonly Target[], sink: Sink): Delivered {
  const before = targets.map(({ position }) => ({ ...position }))
  try {
    return deliverAll(fetched, targets, sink)
  } catch (error) {
    targets.forEach(({ position }, i) => Object.assign(position, before[i]))
    throw error
  }
}

function deliverAll (fetched: Fetched, targets: readonly Target[], sink: Sink): Delivered {
  let hasMoved = false
  let isStale = false
  let trouble: Error | null = null
  const answers = new Map(fetched.responses.flatMap(({ topic, topicId, partitions }) =>
    partitions.flatMap(one => [[`${one.partitionIndex} ${topicId}`, one], [`${one.partitionIndex} ${topic}`, one]] as const)))
  for (const { position, topicId } of targets) {
    const { topic, partition } = position
    const answer = answers.get(`${partition} ${topicId}`) ?? answers.get(`${partition} ${topic}`)
    if (answer === undefined) continue
    if (answer.errorCode === errors.OFFSET_OUT_OF_RANGE) {
      position.next = null
      position.outOfRange = hasMoved = true
    } else if (answer.errorCode === errors.UNKNOWN_TOPIC_ID || errorRow(answer.errorCode).retriable) {
      isStale = true
    } else if (answer.errorCode !== errors.NONE) {
      trouble ??= failure(Fetch, answer.errorCode, topic)
    } else {
      const from = position.next
      const hasRoom = give(position, answer.records ?? [], sink)
      hasMoved ||= position.next !== from
      if (!hasRoom) break
    }
  }
  return { hasMoved, isStale, failure: trouble }
}

/** False as soon as the sink has no room. */
function give (position: Position, chunks: Chunks, sink: Sink): boolean {
  for (const chunk of chunks) {
    for (const batch of batchesIn(chunk)) {
      if (batch.nextOffset <= position.next!) continue
      if (!batch.isControl) {
        const records = recordsIn(batch)
        for (;;) {
          const record = read(records, position.next!, batch.nextOffset)
          if (record === null) break
          if (record instanceof Error) {
            // One batch that cannot be read is shown as such, and the consumer moves on behind it.
            if (!sink.unreadable(position, position.next!, batch.nextOffset, record)) return false
            position.isPending = true
            break
          }
          if (!sink.record(position, record)) return false
          position.next = record.offset + 1
          position.isPending = true
        }
      }
      position.next = batch.nextOffset
    }
  }
  return true
}

/** The next record from `from` on; null at the end of the batch, or what is wrong with the rest of it. */
function read (records: Generator<LogRecord, void, void>, from: number, end: number): LogRecord | Error | null {
  try {
    for (;;) {
      const { value, done } = records.next()
      if (done === true) return null
      if (value.offset < from) continue
      if (value.offset >= end) return new ProtocolError(`offset ${value.offset} is out of order`)
      return value
    }
  } catch (error) {
    return error as Error
  }
}
