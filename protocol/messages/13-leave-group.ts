import { api, array, groupId, int16, int32, string } from '../schema.ts'

/**
 * Leave a group. v3 several members at once, by instance id too (KIP-345), v4 flexible, v5 reason (KIP-800).
 */
export const LeaveGroup = api(13, 'LeaveGroup', { versions: [0, 5], flexible: 4 }, {
  groupId,
  memberId: string.until(2),
  members: array({
    memberId: string,
    groupInstanceId: string.nullable().default(null),
    reason: string.since(5).nullable().default(null).ignorable()
  }).since(3)
}, {
  throttleTimeMs: int32.since(1).ignorable(),
  errorCode: int16,
  members: array({ memberId: string, groupInstanceId: string.nullable(), errorCode: int16 }).since(3)
})
