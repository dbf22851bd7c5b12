import { api, array, bool, groupId, int16, int32, int64, string, topicName, uuid } from '../schema.ts'

/**
 * How far a group has committed. From v2 a null topic list asks for everything, from v7 `requireStable` waits for transactions
 * (KIP-447), v8 asks for several groups at once (KIP-709), v9 carries member epochs (KIP-848), v10 topic ids.
 */
export const OffsetFetch = api(9, 'OffsetFetch', { versions: [1, 10], flexible: 6 }, {
  groupId: groupId.until(7),
  topics: array({ name: topicName, partitionIndexes: array(int32) }).until(7).nullable(2),
  groups: array({
    groupId,
    memberId: string.since(9).nullable().default(null).ignorable(),
    memberEpoch: int32.since(9).default(-1).ignorable(),
    topics: array({
      name: topicName.until(9).ignorable(),
      topicId: uuid.since(10).ignorable(),
      partitionIndexes: array(int32)
    }).nullable()
  }).since(8),
  requireStable: bool.since(7)
}, {
  throttleTimeMs: int32.since(3).ignorable(),
  topics: array({
    name: topicName,
    partitions: array({
      partitionIndex: int32,
      committedOffset: int64,
      committedLeaderEpoch: int32.since(5).default(-1).ignorable(),
      metadata: string.nullable(),
      errorCode: int16
    })
  }).until(7),
  errorCode: int16.since(2).until(7).ignorable(),
  groups: array({
    groupId,
    topics: array({
      name: topicName.until(9).ignorable(),
      topicId: uuid.since(10).ignorable(),
      partitions: array({
        partitionIndex: int32,
        committedOffset: int64,
        committedLeaderEpoch: int32.default(-1),
        metadata: string.nullable(),
        errorCode: int16
      })
    }),
    errorCode: int16.default(0)
  }).since(8)
})
