/**
 * OffsetCommit, v2 to v9.
 * Answered once the offsets are durable, partition by partition: one that does not exist, or whose metadata is too long,
 * does not hold up the others. v2 to v4 may ask for a retention of their own.
 *
 * Not v10, which names topics by id only.
 */
import { errors } from '../../../protocol/errors.ts'
import { OffsetCommit } from '../../../protocol/messages/08-offset-commit.ts'
import { handler } from '../handler.ts'

export const offsetCommit = handler(OffsetCommit, [2, 9], async (request, { version }, state) => {
  const { groupId, memberId, groupInstanceId, generationIdOrMemberEpoch, retentionTimeMs, topics } = request
  const results = await state.groups.commit({
    groupId,
    memberId,
    groupInstanceId,
    generationId: generationIdOrMemberEpoch,
    offsets: topics.flatMap(({ name, partitions }) => partitions.map(partition => ({
      topic: name,
      partition: partition.partitionIndex,
      offset: partition.committedOffset,
      leaderEpoch: partition.committedLeaderEpoch,
      metadata: partition.committedMetadata ?? '',
      retentionMs: retentionTimeMs === -1 ? null : retentionTimeMs
    })))
    // KIP-848: a group that does not exist was, in older versions, a generation that does not.
  }, version >= 9 ? 'GROUP_ID_NOT_FOUND' : 'ILLEGAL_GENERATION')
  let next = 0
  return {
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: errors[results[next++]!] }))
    }))
  }
})
