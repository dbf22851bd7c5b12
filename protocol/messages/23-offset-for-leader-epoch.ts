import { api, array, int16, int32, int64, topicName } from '../schema.ts'

/**
 * Where a leader epoch ends: how a client finds out that it read what is no longer there (KIP-320). v4 flexible.
 */
export const OffsetForLeaderEpoch = api(23, 'OffsetForLeaderEpoch', { versions: [2, 4], flexible: 4 }, {
  replicaId: int32.since(3).default(-2).ignorable(),
  topics: array({
    topic: topicName,
    partitions: array({ partition: int32, currentLeaderEpoch: int32.default(-1), leaderEpoch: int32 })
  })
}, {
  throttleTimeMs: int32.default(0),
  topics: array({
    topic: topicName,
    partitions: array({
      errorCode: int16,
      partition: int32,
      leaderEpoch: int32.default(-1),
      endOffset: int64.default(-1)
    })
  })
})
