import { api, array, bool, groupId, int16, int32, int64, int8, string, struct, uuid } from '../schema.ts'

/**
 * Acknowledge records that a member of a share group has acquired (KIP-932). v0 was never stable. v2 renewal of locks (KIP-1222).
 */
export const ShareAcknowledge = api(79, 'ShareAcknowledge', { versions: [1, 2], flexible: 0 }, {
  groupId: groupId.nullable().default(null),
  memberId: string.nullable(),
  shareSessionEpoch: int32,
  isRenewAck: bool.since(2),
  topics: array({
    topicId: uuid,
    partitions: array({
      partitionIndex: int32,
      acknowledgementBatches: array({ firstOffset: int64, lastOffset: int64, acknowledgeTypes: array(int8) })
    })
  })
}, {
  throttleTimeMs: int32.default(0),
  errorCode: int16,
  errorMessage: string.nullable().default(null),
  acquisitionLockTimeoutMs: int32.since(2).ignorable(),
  responses: array({
    topicId: uuid,
    partitions: array({
      partitionIndex: int32,
      errorCode: int16,
      errorMessage: string.nullable().default(null),
      currentLeader: struct({ leaderId: int32, leaderEpoch: int32 })
    })
  }),
  nodeEndpoints: array({ nodeId: int32, host: string, port: int32, rack: string.nullable().default(null) })
})
