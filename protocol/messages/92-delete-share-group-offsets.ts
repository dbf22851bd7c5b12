import { api, array, groupId, int16, int32, string, topicName, uuid } from '../schema.ts'

/**
 * Forget where a share group without members would start to read (KIP-932).
 */
export const DeleteShareGroupOffsets = api(92, 'DeleteShareGroupOffsets', { versions: [0, 0], flexible: 0 }, {
  groupId,
  topics: array({ topicName })
}, {
  throttleTimeMs: int32.default(0),
  errorCode: int16,
  errorMessage: string.nullable().default(null),
  responses: array({ topicName, topicId: uuid, errorCode: int16, errorMessage: string.nullable().default(null) })
})
