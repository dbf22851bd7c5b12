import { api, array, groupId, int16, int32, int64, string, topicName, uuid } from '../schema.ts'

/**
 * Where share groups start to read (KIP-932). Null asks for every topic. v1 how far they are behind (KIP-1226).
 */
export const DescribeShareGroupOffsets = api(90, 'DescribeShareGroupOffsets', { versions: [0, 1], flexible: 0 }, {
  groups: array({ groupId, topics: array({ topicName, partitions: array(int32) }).nullable() })
}, {
  throttleTimeMs: int32.default(0),
  groups: array({
    groupId,
    topics: array({
      topicName,
      topicId: uuid,
      partitions: array({
        partitionIndex: int32,
        startOffset: int64,
        leaderEpoch: int32,
        lag: int64.since(1).default(-1).ignorable(),
        errorCode: int16,
        errorMessage: string.nullable().default(null)
      })
    }),
    errorCode: int16,
    errorMessage: string.nullable().default(null)
  })
})
