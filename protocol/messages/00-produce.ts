import { api, array, int16, int32, int64, records, string, struct, topicName, transactionalId, uuid } from '../schema.ts'

/**
 * Append record batches.
 * v3 transactions and the batch format that is stored (KIP-98), v5 log start offset, v7 zstd (KIP-110), v8 the records that
 * were refused (KIP-467), v9 flexible, v10 the new leader (KIP-951), v12 implicit transaction partitions (KIP-890), v13
 * topic ids (KIP-516). acks is -1 (all), 0 (no answer) or 1.
 */
export const Produce = api(0, 'Produce', { versions: [3, 13], flexible: 9 }, {
  transactionalId: transactionalId.nullable().default(null),
  acks: int16,
  timeoutMs: int32,
  topicData: array({
    name: topicName.until(12).ignorable(),
    topicId: uuid.since(13).ignorable(),
    partitionData: array({ index: int32, records: records.nullable() })
  })
}, {
  responses: array({
    name: topicName.until(12).ignorable(),
    topicId: uuid.since(13).ignorable(),
    partitionResponses: array({
      index: int32,
      errorCode: int16,
      baseOffset: int64,
      logAppendTimeMs: int64.default(-1),
      logStartOffset: int64.since(5).default(-1).ignorable(),
      recordErrors: array({ batchIndex: int32, batchIndexErrorMessage: string.nullable().default(null) }).since(8).ignorable(),
      errorMessage: string.since(8).nullable().default(null).ignorable(),
      currentLeader: struct({ leaderId: int32.default(-1), leaderEpoch: int32.default(-1) }).since(10).tag(0)
    })
  }),
  throttleTimeMs: int32.default(0),
  nodeEndpoints: array({
    nodeId: int32,
    host: string,
    port: int32,
    rack: string.nullable().default(null)
  }).since(10).tag(0)
})
