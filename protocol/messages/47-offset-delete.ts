import { api, array, groupId, int16, int32, topicName } from '../schema.ts'

/**
 * Forget how far a group has read in some partitions (KIP-496).
 */
export const OffsetDelete = api(47, 'OffsetDelete', { versions: [0, 0], flexible: Infinity }, {
  groupId,
  topics: array({ name: topicName, partitions: array({ partitionIndex: int32 }) })
}, {
  errorCode: int16,
  throttleTimeMs: int32.default(0).ignorable(),
  topics: array({ name: topicName, partitions: array({ partitionIndex: int32, errorCode: int16 }) })
})
