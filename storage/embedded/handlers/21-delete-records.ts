/**
 * DeleteRecords, v0 to v2.
 * Moves the beginning of a partition forward; -1 means everything that is committed. The files go with the next round of
 * retention, but the new beginning is durable before it is answered.
 */
import { KafkaError, errors } from '../../../protocol/errors.ts'
import { DeleteRecords } from '../../../protocol/messages/21-delete-records.ts'
import type { Request, Response } from '../../../protocol/schema.ts'
import { kafkaErrorOf } from '../failures.ts'
import { handler } from '../handler.ts'
import type { Embedded } from '../state.ts'

type Wanted = Request<typeof DeleteRecords>['topics'][number]['partitions'][number]
type Deleted = Response<typeof DeleteRecords>['topics'][number]['partitions'][number]

export const deleteRecords = handler(DeleteRecords, [0, 2], async ({ topics: wanted }, _context, state) => {
  const topics = wanted.map(({ name, partitions }) => ({ name, partitions: partitions.map(one => moveStart(name, one, state)) }))
  const moved = topics.flatMap(({ partitions }) => partitions).filter(({ errorCode }) => errorCode === errors.NONE)
  try {
    if (moved.length > 0) await state.checkpointStartOffsets()
  } catch (error) {
    // The records are hidden for now, but would be back after a restart.
    for (const deleted of moved) refuse(deleted, error)
  }
  return { topics }
})

function moveStart (topic: string, { partitionIndex, offset }: Wanted, state: Embedded): Deleted {
  const deleted: Deleted = { partitionIndex, lowWatermark: -1, errorCode: errors.NONE }
  try {
    const partition = state.topics.partition(topic, partitionIndex)
    if (partition === undefined) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION')
    if (state.topics.get(topic)!.isInternal) throw new KafkaError('INVALID_TOPIC_EXCEPTION')
    if (!partition.config.log.deletes) throw new KafkaError('POLICY_VIOLATION')
    if (offset < -1) throw new KafkaError('OFFSET_OUT_OF_RANGE')
    partition.log.deleteBefore(offset === -1 ? partition.log.committedOffset : offset)
    deleted.lowWatermark = partition.log.startOffset
  } catch (error) {
    refuse(deleted, error)
  }
  return deleted
}

function refuse (deleted: Deleted, error: unknown): void {
  deleted.errorCode = kafkaErrorOf(error).errorCode
  deleted.lowWatermark = -1
}
