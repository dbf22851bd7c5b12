import { api, array, groupId, int16, int32, int64, string, topicName, uuid } from '../schema.ts'

/**
 * Commit how far a group has read.
 * v6 leader epochs, v7 static members (KIP-345), v8 flexible, v9 member epochs (KIP-848), v10 topic ids.
 */
export const OffsetCommit = api(8, 'OffsetCommit', { versions: [2, 10], flexible: 8 }, {
  groupId,
  generationIdOrMemberEpoch: int32.default(-1),
  memberId: string,
  groupInstanceId: string.since(7).nullable().default(null),
  retentionTimeMs: int64.until(4).default(-1).ignorable(),
  topics: array({
    name: topicName.until(9).ignorable(),
    topicId: uuid.since(10).ignorable(),
    partitions: array({
      partitionIndex: int32,
      committedOffset: int64,
      committedLeaderEpoch: int32.since(6).default(-1).ignorable(),
      committedMetadata: string.nullable()
    })
  })
}, {
  throttleTimeMs: int32.since(3).ignorable(),
  topics: array({
    name: topicName.until(9).ignorable(),
    topicId: uuid.since(10).ignorable(),
    partitions: array({ partitionIndex: int32, errorCode: int16 })
  })
})
