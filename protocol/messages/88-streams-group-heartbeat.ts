import { api, array, bool, groupId, int16, int32, int64, int8, string, struct, topicName, uint16 } from '../schema.ts'

const keyValue = { key: string, value: string }
const topicInfo = { name: topicName, partitions: int32, replicationFactor: int16, topicConfigs: array(keyValue) }
const taskIds = { subtopologyId: string, partitions: array(int32) }
const endpoint = { host: string, port: uint16 }
const taskOffset = { subtopologyId: string, partition: int32, offset: int64 }
const topicPartition = { topic: topicName, partitions: array(int32) }

/**
 * Join a streams group, stay in it, leave it, and learn which tasks to run: the counterpart of ConsumerGroupHeartbeat for Kafka
 * Streams (KIP-1071). Whoever joins says what the topology reads, writes and keeps.
 */
export const StreamsGroupHeartbeat = api(88, 'StreamsGroupHeartbeat', { versions: [0, 0], flexible: 0 }, {
  groupId,
  memberId: string,
  memberEpoch: int32,
  endpointInformationEpoch: int32,
  instanceId: string.nullable().default(null),
  rackId: string.nullable().default(null),
  rebalanceTimeoutMs: int32.default(-1),
  topology: struct({
    epoch: int32,
    subtopologies: array({
      subtopologyId: string,
      sourceTopics: array(topicName),
      sourceTopicRegex: array(string),
      stateChangelogTopics: array(topicInfo),
      repartitionSinkTopics: array(topicName),
      repartitionSourceTopics: array(topicInfo),
      copartitionGroups: array({
        sourceTopics: array(int16),
        sourceTopicRegex: array(int16),
        repartitionSourceTopics: array(int16)
      })
    })
  }).nullable().default(null),
  activeTasks: array(taskIds).nullable().default(null),
  standbyTasks: array(taskIds).nullable().default(null),
  warmupTasks: array(taskIds).nullable().default(null),
  processId: string.nullable().default(null),
  userEndpoint: struct(endpoint).nullable().default(null),
  clientTags: array(keyValue).nullable().default(null),
  taskOffsets: array(taskOffset).nullable().default(null),
  taskEndOffsets: array(taskOffset).nullable().default(null),
  shutdownApplication: bool.default(false)
}, {
  throttleTimeMs: int32.default(0),
  errorCode: int16,
  errorMessage: string.nullable().default(null),
  memberId: string,
  memberEpoch: int32,
  heartbeatIntervalMs: int32,
  acceptableRecoveryLagLegacy: int32,
  taskOffsetIntervalMs: int32,
  status: array({ statusCode: int8, statusDetail: string }).nullable(),
  activeTasks: array(taskIds).nullable().default(null),
  standbyTasks: array(taskIds).nullable().default(null),
  warmupTasks: array(taskIds).nullable().default(null),
  endpointInformationEpoch: int32,
  partitionsByUserEndpoint: array({
    userEndpoint: struct(endpoint),
    activePartitions: array(topicPartition),
    standbyPartitions: array(topicPartition)
  }).nullable().default(null)
})
