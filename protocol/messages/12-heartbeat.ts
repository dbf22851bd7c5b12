import { api, groupId, int16, int32, string } from '../schema.ts'

/**
 * A member of a classic group is alive. v3 static members (KIP-345), v4 flexible.
 */
export const Heartbeat = api(12, 'Heartbeat', { versions: [0, 4], flexible: 4 }, {
  groupId,
  generationId: int32,
  memberId: string,
  groupInstanceId: string.since(3).nullable().default(null)
}, {
  throttleTimeMs: int32.since(1).ignorable(),
  errorCode: int16
})
