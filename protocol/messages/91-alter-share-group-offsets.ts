import { api, array, groupId, int16, int32, int64, string, topicName, uuid } from '../schema.ts'

/**
 * Have a share group without members start to read elsewhere (KIP-932).
 */
export const AlterShareGroupOffsets = api(91, 'AlterShareGroupOffsets', { versions: [0, 0], flexible: 0 }, {
  groupId,
  topics: array({ topicName, partitions: array({ partitionIndex: int32, startOffset: int64 }) })
}, {
  throttleTimeMs: int32.default(0),
  errorCode: int16,
  errorMessage: string.nullable().default(null),
  responses: array({
    topicName,
    topicId: uuid,
    partitions: array({ partitionIndex: int32, errorCode: int16, errorMessage: string.nullable().default(null) })
  })
})
