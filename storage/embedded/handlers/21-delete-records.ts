/**
 * DeleteRecords, v0 to v2.
 * Moves the beginning of a partition forward; -1 means everything that is committed. The files go with the next round of
 * retention, but the new beginning is durable before it is answered.
 */
import { KafkaError, errors } from '../../../protocol/errors.ts'
import { DeleteRecords } from '../../../protocol/messages/21-delete-records.ts'
import { handler } from '../handler.ts'

export const deleteRecords = handler(DeleteRecords, [0, 2], async ({ topics }, _context, state) => {
  const answers = topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex, offset }) => {
      try {
        const partition = state.topics.partition(name, partitionIndex)
        if (partition === undefined) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION')
        if (!partition.config.log.deletes) throw new KafkaError('POLICY_VIOLATION', `Topic ${name} does not delete: its cleanup.policy is compact.`)
        if (offset < -1) throw new KafkaError('OFFSET_OUT_OF_RANGE')
        partition.log.deleteBefore(offset === -1 ? partition.log.committedOffset : offset)
        return { partitionIndex, lowWatermark: partition.log.startOffset, errorCode: errors.NONE }
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
        return { partitionIndex, lowWatermark: -1, errorCode: error.errorCode }
      }
    })
  }))
  await state.checkpointStartOffsets()
  return { topics: answers }
})
