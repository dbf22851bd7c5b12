import { api, array, groupId, int16, int32, string, struct, topicName, uuid } from '../schema.ts'

const topicPartitions = { topicId: uuid, partitions: array(int32) }

/**
 * Join a consumer group, stay in it, leave it, and learn what to read: all of the newer protocol (KIP-848).
 * v1 a regular expression for topics, and the member makes its own id (KIP-1082).
 */
export const ConsumerGroupHeartbeat = api(68, 'ConsumerGroupHeartbeat', { versions: [0, 1], flexible: 0 }, {
  groupId,
  memberId: string,
  memberEpoch: int32,
  instanceId: string.nullable().default(null),
  rackId: string.nullable().default(null),
  rebalanceTimeoutMs: int32.default(-1),
  subscribedTopicNames: array(topicName).nullable().default(null),
  subscribedTopicRegex: string.since(1).nullable().default(null),
  serverAssignor: string.nullable().default(null),
  topicPartitions: array({ topicId: uuid, partitions: array(int32) }).nullable().default(null)
}, {
  throttleTimeMs: int32.default(0),
  errorCode: int16,
  errorMessage: string.nullable().default(null),
  memberId: string.nullable().default(null),
  memberEpoch: int32,
  heartbeatIntervalMs: int32,
  assignment: struct({ topicPartitions: array(topicPartitions) }).nullable().default(null)
})
