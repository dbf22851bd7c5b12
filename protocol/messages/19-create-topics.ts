import { api, array, bool, int16, int32, int8, string, topicName, uuid } from '../schema.ts'

/**
 * Create topics. -1 partitions or replicas means the server's default (v4, KIP-464).
 * v5 flexible and the configuration that results (KIP-525), v6 quota errors (KIP-599), v7 topic ids.
 */
export const CreateTopics = api(19, 'CreateTopics', { versions: [2, 7], flexible: 5 }, {
  topics: array({
    name: topicName,
    numPartitions: int32,
    replicationFactor: int16,
    assignments: array({ partitionIndex: int32, brokerIds: array(int32) }),
    configs: array({ name: string, value: string.nullable() })
  }),
  timeoutMs: int32.default(60000),
  validateOnly: bool.default(false)
}, {
  throttleTimeMs: int32.default(0),
  topics: array({
    name: topicName,
    topicId: uuid.since(7).ignorable(),
    errorCode: int16,
    errorMessage: string.nullable(),
    topicConfigErrorCode: int16.since(5).tag(0).ignorable(),
    numPartitions: int32.since(5).default(-1).ignorable(),
    replicationFactor: int16.since(5).default(-1).ignorable(),
    configs: array({
      name: string,
      value: string.nullable(),
      readOnly: bool,
      configSource: int8.default(-1),
      isSensitive: bool
    }).since(5).nullable().ignorable()
  })
})
