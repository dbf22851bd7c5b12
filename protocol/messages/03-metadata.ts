import { api, array, bool, int16, int32, string, topicName, uuid } from '../schema.ts'

/**
 * Brokers, topics and who leads what. A null list asks for every topic, an empty one for none; in v0, which has no null, an
 * empty one asks for every topic.
 * v4 whether asking may create, v5 offline replicas, v7 leader epochs, v8 authorised operations (KIP-430), v9 flexible, v10
 * topic ids, v12 asking by topic id, v13 a top-level error (KIP-1102).
 */
export const Metadata = api(3, 'Metadata', { versions: [0, 13], flexible: 9 }, {
  topics: array({ topicId: uuid.since(10).ignorable(), name: topicName.nullable(10) }).nullable(1),
  allowAutoTopicCreation: bool.since(4).default(true),
  includeClusterAuthorizedOperations: bool.since(8).until(10),
  includeTopicAuthorizedOperations: bool.since(8)
}, {
  throttleTimeMs: int32.since(3).ignorable(),
  brokers: array({
    nodeId: int32,
    host: string,
    port: int32,
    rack: string.since(1).nullable().default(null).ignorable()
  }),
  clusterId: string.since(2).nullable().default(null).ignorable(),
  controllerId: int32.since(1).default(-1).ignorable(),
  topics: array({
    errorCode: int16,
    name: topicName.nullable(12),
    topicId: uuid.since(10).ignorable(),
    isInternal: bool.since(1).ignorable(),
    partitions: array({
      errorCode: int16,
      partitionIndex: int32,
      leaderId: int32,
      leaderEpoch: int32.since(7).default(-1).ignorable(),
      replicaNodes: array(int32),
      isrNodes: array(int32),
      offlineReplicas: array(int32).since(5).ignorable()
    }),
    topicAuthorizedOperations: int32.since(8).default(-2147483648)
  }),
  clusterAuthorizedOperations: int32.since(8).until(10).default(-2147483648),
  errorCode: int16.since(13).ignorable()
})
