import { api, array, bool, groupId, int16, int32, int64, int8, records, string, struct, uuid } from '../schema.ts'

/**
 * Acquire records for a member of a share group, and acknowledge those that it has dealt with (KIP-932). v0 was never stable.
 * v2 how many records are acquired (KIP-1206), renewal of their locks (KIP-1222).
 */
export const ShareFetch = api(78, 'ShareFetch', { versions: [1, 2], flexible: 0 }, {
  groupId: groupId.nullable().default(null),
  memberId: string.nullable(),
  shareSessionEpoch: int32,
  maxWaitMs: int32,
  minBytes: int32,
  maxBytes: int32.default(0x7fffffff),
  maxRecords: int32,
  batchSize: int32,
  shareAcquireMode: int8.since(2).ignorable(),
  isRenewAck: bool.since(2),
  topics: array({
    topicId: uuid,
    partitions: array({
      partitionIndex: int32,
      acknowledgementBatches: array({ firstOffset: int64, lastOffset: int64, acknowledgeTypes: array(int8) })
    })
  }),
  forgottenTopicsData: array({ topicId: uuid, partitions: array(int32) })
}, {
  throttleTimeMs: int32.default(0),
  errorCode: int16,
  errorMessage: string.nullable().default(null),
  acquisitionLockTimeoutMs: int32,
  responses: array({
    topicId: uuid,
    partitions: array({
      partitionIndex: int32,
      errorCode: int16,
      errorMessage: string.nullable().default(null),
      acknowledgeErrorCode: int16,
      acknowledgeErrorMessage: string.nullable().default(null),
      currentLeader: struct({ leaderId: int32, leaderEpoch: int32 }),
      records,
      acquiredRecords: array({ firstOffset: int64, lastOffset: int64, deliveryCount: int16 })
    })
  }),
  nodeEndpoints: array({ nodeId: int32, host: string, port: int32, rack: string.nullable().default(null) })
})
