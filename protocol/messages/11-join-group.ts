import { api, array, bool, bytes, groupId, int16, int32, string } from '../schema.ts'

/**
 * Join a classic group, or rejoin it after a rebalance.
 * v1 rebalance timeout, v4 member id required (KIP-394), v5 static members (KIP-345), v6 flexible, v7 protocol type in the
 * answer (KIP-559), v8 reason (KIP-800), v9 the leader may skip assigning (KIP-814).
 */
export const JoinGroup = api(11, 'JoinGroup', { versions: [0, 9], flexible: 6 }, {
  groupId,
  sessionTimeoutMs: int32,
  rebalanceTimeoutMs: int32.since(1).default(-1).ignorable(),
  memberId: string,
  groupInstanceId: string.since(5).nullable().default(null),
  protocolType: string,
  protocols: array({ name: string, metadata: bytes }),
  reason: string.since(8).nullable().default(null).ignorable()
}, {
  throttleTimeMs: int32.since(2).ignorable(),
  errorCode: int16,
  generationId: int32.default(-1),
  protocolType: string.since(7).nullable().default(null).ignorable(),
  protocolName: string.nullable(7),
  leader: string,
  skipAssignment: bool.since(9),
  memberId: string,
  members: array({
    memberId: string,
    groupInstanceId: string.since(5).nullable().default(null).ignorable(),
    metadata: bytes
  })
})
