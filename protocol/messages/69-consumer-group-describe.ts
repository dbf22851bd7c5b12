import { api, array, bool, groupId, int16, int32, int8, string, struct, topicName, uuid } from '../schema.ts'

const assignment = { topicPartitions: array({ topicId: uuid, topicName, partitions: array(int32) }) }

/**
 * Members, assignments and state of consumer groups (KIP-848). v1 whether a member speaks the classic protocol (KIP-1099).
 */
export const ConsumerGroupDescribe = api(69, 'ConsumerGroupDescribe', { versions: [0, 1], flexible: 0 }, {
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
      instanceId: string.nullable().default(null),
      rackId: string.nullable().default(null),
      memberEpoch: int32,
      clientId: string,
      clientHost: string,
      subscribedTopicNames: array(topicName),
      subscribedTopicRegex: string.nullable().default(null),
      assignment: struct(assignment),
      targetAssignment: struct(assignment),
      memberType: int8.since(1).default(-1).ignorable()
    }),
    authorizedOperations: int32.default(-2147483648)
  })
})
