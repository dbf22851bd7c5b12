import { api, array, groupId, int16, int32, string, struct, topicName, uuid } from '../schema.ts'

/**
 * Join a share group, stay in it, leave it, and learn what to read (KIP-932). v0 was never stable.
 */
export const ShareGroupHeartbeat = api(76, 'ShareGroupHeartbeat', { versions: [1, 1], flexible: 0 }, {
  groupId,
  memberId: string,
  memberEpoch: int32,
  rackId: string.nullable().default(null),
  subscribedTopicNames: array(topicName).nullable().default(null)
}, {
  throttleTimeMs: int32.default(0),
  errorCode: int16,
  errorMessage: string.nullable().default(null),
  memberId: string.nullable().default(null),
  memberEpoch: int32,
  heartbeatIntervalMs: int32,
  assignment: struct({ topicPartitions: array({ topicId: uuid, partitions: array(int32) }) }).nullable().default(null)
})
