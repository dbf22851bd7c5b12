import { api, array, bool, bytes, groupId, int16, int32, string } from '../schema.ts'

/**
 * Members and state of classic groups.
 * v3 authorised operations (KIP-430), v4 static members, v5 flexible, v6 an error message and GROUP_ID_NOT_FOUND (KIP-1043).
 */
export const DescribeGroups = api(15, 'DescribeGroups', { versions: [0, 6], flexible: 5 }, {
  groups: array(groupId),
  includeAuthorizedOperations: bool.since(3)
}, {
  throttleTimeMs: int32.since(1).ignorable(),
  groups: array({
    errorCode: int16,
    errorMessage: string.since(6).nullable().default(null),
    groupId,
    groupState: string,
    protocolType: string,
    protocolData: string,
    members: array({
      memberId: string,
      groupInstanceId: string.since(4).nullable().default(null).ignorable(),
      clientId: string,
      clientHost: string,
      memberMetadata: bytes,
      memberAssignment: bytes
    }),
    authorizedOperations: int32.since(3).default(-2147483648)
  })
})
