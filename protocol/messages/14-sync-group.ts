import { api, array, bytes, groupId, int16, int32, string } from '../schema.ts'

/**
 * The leader hands in the assignment, everyone gets their part.
 * v3 static members (KIP-345), v4 flexible, v5 protocol type and name (KIP-559).
 */
export const SyncGroup = api(14, 'SyncGroup', { versions: [0, 5], flexible: 4 }, {
  groupId,
  generationId: int32,
  memberId: string,
  groupInstanceId: string.since(3).nullable().default(null),
  protocolType: string.since(5).nullable().default(null).ignorable(),
  protocolName: string.since(5).nullable().default(null).ignorable(),
  assignments: array({ memberId: string, assignment: bytes })
}, {
  throttleTimeMs: int32.since(1).ignorable(),
  errorCode: int16,
  protocolType: string.since(5).nullable().default(null).ignorable(),
  protocolName: string.since(5).nullable().default(null).ignorable(),
  assignment: bytes
})
