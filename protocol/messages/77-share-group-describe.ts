import { api, array, bool, groupId, int16, int32, string, struct, topicName, uuid } from '../schema.ts'

/**
 * Members, assignments and state of share groups (KIP-932). v0 was never stable.
 */
export const ShareGroupDescribe = api(77, 'ShareGroupDescribe', { versions: [1, 1], flexible: 0 }, {
  groupIds: array(groupId),
  includeAuthorizedOperations: bool
}, {
  throttleTimeMs: int32.default(0),
  groups: array({
    errorCode: int16,
    errorMessage: string.nullable().default(null),
    groupId,
    groupState: string,
    groupEpoch: int32,
    assignmentEpoch: int32,
    assignorName: string,
    members: array({
      memberId: string,
      rackId: string.nullable().default(null),
      memberEpoch: int32,
      clientId: string,
      clientHost: string,
      subscribedTopicNames: array(topicName),
      assignment: struct({ topicPartitions: array({ topicId: uuid, topicName, partitions: array(int32) }) })
    }),
    authorizedOperations: int32.default(-2147483648)
  })
})
