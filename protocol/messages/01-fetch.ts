import { api, array, int16, int32, int64, int8, records, string, struct, topicName, uuid } from '../schema.ts'

/**
 * Read record batches, waiting for them if there are none.
 * v4 isolation level (KIP-98), v5 log start offset, v7 sessions (KIP-227), v9 leader epochs (KIP-320), v10 zstd (KIP-110),
 * v11 rack (KIP-392), v12 flexible and diverging epochs (KIP-595), v13 topic ids (KIP-516), v15 replica state (KIP-903),
 * v16 the new leader (KIP-951). v18 is left out: the default of its one new field does not fit 53 bits, and only replicas
 * send it.
 */
export const Fetch = api(1, 'Fetch', { versions: [4, 17], flexible: 12 }, {
  clusterId: string.since(12).nullable().default(null).tag(0).ignorable(),
  replicaId: int32.until(14).default(-1),
  replicaState: struct({ replicaId: int32.default(-1), replicaEpoch: int64.default(-1) }).since(15).tag(1),
  maxWaitMs: int32,
  minBytes: int32,
  maxBytes: int32.default(0x7fffffff),
  isolationLevel: int8.default(0),
  sessionId: int32.since(7).ignorable(),
  sessionEpoch: int32.since(7).default(-1).ignorable(),
  topics: array({
    topic: topicName.until(12).ignorable(),
    topicId: uuid.since(13).ignorable(),
    partitions: array({
      partition: int32,
      currentLeaderEpoch: int32.since(9).default(-1).ignorable(),
      fetchOffset: int64,
      lastFetchedEpoch: int32.since(12).default(-1),
      logStartOffset: int64.since(5).default(-1).ignorable(),
      partitionMaxBytes: int32,
      replicaDirectoryId: uuid.since(17).tag(0).ignorable()
    })
  }),
  forgottenTopicsData: array({
    topic: topicName.until(12).ignorable(),
    topicId: uuid.since(13).ignorable(),
    partitions: array(int32)
  }).since(7),
  rackId: string.since(11).ignorable()
}, {
  throttleTimeMs: int32.default(0),
  errorCode: int16.since(7).ignorable(),
  sessionId: int32.since(7),
  responses: array({
    topic: topicName.until(12).ignorable(),
    topicId: uuid.since(13).ignorable(),
    partitions: array({
      partitionIndex: int32,
      errorCode: int16,
      highWatermark: int64,
      lastStableOffset: int64.default(-1),
      logStartOffset: int64.since(5).default(-1).ignorable(),
      divergingEpoch: struct({ epoch: int32.default(-1), endOffset: int64.default(-1) }).since(12).tag(0),
      currentLeader: struct({ leaderId: int32.default(-1), leaderEpoch: int32.default(-1) }).since(12).tag(1),
      snapshotId: struct({ endOffset: int64.default(-1), epoch: int32.default(-1) }).since(12).tag(2),
      abortedTransactions: array({ producerId: int64, firstOffset: int64 }).nullable(),
      preferredReadReplica: int32.since(11).default(-1),
      records: records.nullable()
    })
  }),
  nodeEndpoints: array({
    nodeId: int32,
    host: string,
    port: int32,
    rack: string.nullable().default(null)
  }).since(16).tag(0)
})
