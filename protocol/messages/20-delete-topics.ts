import { api, array, int16, int32, string, topicName, uuid } from '../schema.ts'

/**
 * Delete topics. v4 flexible, v5 error message and quota errors, v6 by topic id (KIP-516).
 */
export const DeleteTopics = api(20, 'DeleteTopics', { versions: [1, 6], flexible: 4 }, {
  topics: array({ name: topicName.nullable().default(null), topicId: uuid }).since(6),
  topicNames: array(topicName).until(5).ignorable(),
  timeoutMs: int32
}, {
  throttleTimeMs: int32.default(0),
  responses: array({
    name: topicName.nullable(6),
    topicId: uuid.since(6).ignorable(),
    errorCode: int16,
    errorMessage: string.since(5).nullable().default(null).ignorable()
  })
})
