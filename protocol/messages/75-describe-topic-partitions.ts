import { api, array, bool, int16, int32, struct, topicName, uuid } from '../schema.ts'

/**
 * Topics and their partitions, page by page (KIP-966). No topics ask for all.
 */
export const DescribeTopicPartitions = api(75, 'DescribeTopicPartitions', { versions: [0, 0], flexible: 0 }, {
  topics: array({ name: topicName }),
  responsePartitionLimit: int32.default(2000),
  cursor: struct({ topicName, partitionIndex: int32 }).nullable().default(null)
}, {
  throttleTimeMs: int32.default(0).ignorable(),
  topics: array({
    errorCode: int16,
    name: topicName.nullable(),
    topicId: uuid.ignorable(),
    isInternal: bool.ignorable(),
    partitions: array({
      errorCode: int16,
      partitionIndex: int32,
      leaderId: int32,
      leaderEpoch: int32.default(-1).ignorable(),
      replicaNodes: array(int32),
      isrNodes: array(int32),
      eligibleLeaderReplicas: array(int32).nullable().default(null),
      lastKnownElr: array(int32).nullable().default(null),
      offlineReplicas: array(int32).ignorable()
    }),
    topicAuthorizedOperations: int32.default(-2147483648)
  }),
  nextCursor: struct({ topicName, partitionIndex: int32 }).nullable().default(null)
})
