import { api, array, bool, int16, int32, string, topicName } from '../schema.ts'

/**
 * Give topics more partitions. v2 flexible, v3 quota errors (KIP-599).
 */
export const CreatePartitions = api(37, 'CreatePartitions', { versions: [0, 3], flexible: 2 }, {
  topics: array({ name: topicName, count: int32, assignments: array({ brokerIds: array(int32) }).nullable() }),
  timeoutMs: int32,
  validateOnly: bool
}, {
  throttleTimeMs: int32.default(0),
  results: array({ name: topicName, errorCode: int16, errorMessage: string.nullable().default(null) })
})
