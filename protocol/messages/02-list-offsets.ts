import { api, array, int16, int32, int64, int8, topicName } from '../schema.ts'

/**
 * Find offsets: of a time, the earliest (-2), the latest (-1), of the largest timestamp (-3), local (-4) or tiered (-5), and
 * (v11) the earliest not yet tiered (-6).
 * v2 isolation level, v4 leader epochs, v6 flexible, v10 timeout.
 */
export const ListOffsets = api(2, 'ListOffsets', { versions: [1, 11], flexible: 6 }, {
  replicaId: int32,
  isolationLevel: int8.since(2),
  topics: array({
    name: topicName,
    partitions: array({
      partitionIndex: int32,
      currentLeaderEpoch: int32.since(4).default(-1).ignorable(),
      timestamp: int64
    })
  }),
  timeoutMs: int32.since(10).ignorable()
}, {
  throttleTimeMs: int32.since(2).ignorable(),
  topics: array({
    name: topicName,
    partitions: array({
      partitionIndex: int32,
      errorCode: int16,
      timestamp: int64.default(-1),
      offset: int64.default(-1),
      leaderEpoch: int32.since(4).default(-1)
    })
  })
})
