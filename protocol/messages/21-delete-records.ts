import { api, array, int16, int32, int64, topicName } from '../schema.ts'

/**
 * Delete records before an offset; -1 means the high watermark. v2 flexible.
 */
export const DeleteRecords = api(21, 'DeleteRecords', { versions: [0, 2], flexible: 2 }, {
  topics: array({ name: topicName, partitions: array({ partitionIndex: int32, offset: int64 }) }),
  timeoutMs: int32
}, {
  throttleTimeMs: int32.default(0),
  topics: array({
    name: topicName,
    partitions: array({ partitionIndex: int32, lowWatermark: int64, errorCode: int16 })
  })
})
