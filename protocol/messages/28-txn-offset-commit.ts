import { api, array, groupId, int16, int32, int64, string, topicName, transactionalId } from '../schema.ts'

/**
 * Commit how far a group has read as part of a transaction (KIP-98).
 * v2 leader epochs, v3 flexible and which member commits (KIP-447), v4 TRANSACTION_ABORTABLE, v5 without AddOffsetsToTxn before it
 * (KIP-890).
 */
export const TxnOffsetCommit = api(28, 'TxnOffsetCommit', { versions: [0, 5], flexible: 3 }, {
  transactionalId,
  groupId,
  producerId: int64,
  producerEpoch: int16,
  generationIdOrMemberEpoch: int32.since(3).default(-1),
  memberId: string.since(3),
  groupInstanceId: string.since(3).nullable().default(null),
  topics: array({
    name: topicName,
    partitions: array({
      partitionIndex: int32,
      committedOffset: int64,
      committedLeaderEpoch: int32.since(2).default(-1).ignorable(),
      committedMetadata: string.nullable()
    })
  })
}, {
  throttleTimeMs: int32.default(0),
  topics: array({ name: topicName, partitions: array({ partitionIndex: int32, errorCode: int16 }) })
})
