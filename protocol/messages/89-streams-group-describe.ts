import { api, array, bool, groupId, int16, int32, int64, string, struct, topicName, uint16 } from '../schema.ts'

const keyValue = { key: string, value: string }
const topicInfo = { name: topicName, partitions: int32, replicationFactor: int16, topicConfigs: array(keyValue) }
const taskOffset = { subtopologyId: string, partition: int32, offset: int64 }
const taskIds = { subtopologyId: string, partitions: array(int32) }
const assignment = { activeTasks: array(taskIds), standbyTasks: array(taskIds), warmupTasks: array(taskIds) }

/**
 * Members, tasks, topology and state of streams groups (KIP-1071).
 */
export const StreamsGroupDescribe = api(89, 'StreamsGroupDescribe', { versions: [0, 0], flexible: 0 }, {
  groupIds: array(groupId),
  includeAuthorizedOperations: bool
}, {
  throttleTimeMs: int32.default(0),
  groups: array({
    errorCode: int16,
    errorMessage: string.nullable().default(null),
    groupId,
    groupState: string,
    groupEpoch: int32,
    assignmentEpoch: int32,
    topology: struct({
      epoch: int32,
      subtopologies: array({
        subtopologyId: string,
        sourceTopics: array(topicName),
        repartitionSinkTopics: array(topicName),
        stateChangelogTopics: array(topicInfo),
        repartitionSourceTopics: array(topicInfo)
      }).nullable().default(null)
    }).nullable().default(null),
    members: array({
      memberId: string,
      memberEpoch: int32,
      instanceId: string.nullable().default(null),
      rackId: string.nullable().default(null),
      clientId: string,
      clientHost: string,
      topologyEpoch: int32,
      processId: string,
      userEndpoint: struct({ host: string, port: uint16 }).nullable().default(null),
      clientTags: array(keyValue),
      taskOffsets: array(taskOffset),
      taskEndOffsets: array(taskOffset),
      assignment: struct(assignment),
      targetAssignment: struct(assignment),
      isClassic: bool
    }),
    authorizedOperations: int32.default(-2147483648)
  })
})
