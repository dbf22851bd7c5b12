import { api, array, int16, int32, int64, string, topicName } from '../schema.ts'

/**
 * Who is writing to partitions: their producer ids, last sequences and open transactions (KIP-664).
 */
export const DescribeProducers = api(61, 'DescribeProducers', { versions: [0, 0], flexible: 0 }, {
  topics: array({ name: topicName, partitionIndexes: array(int32) })
}, {
  throttleTimeMs: int32.default(0),
  topics: array({
    name: topicName,
    partitions: array({
      partitionIndex: int32,
      errorCode: int16,
      errorMessage: string.nullable().default(null),
      activeProducers: array({
        producerId: int64,
        producerEpoch: int32,
        lastSequence: int32.default(-1),
        lastTimestamp: int64.default(-1),
        coordinatorEpoch: int32,
        currentTxnStartOffset: int64.default(-1)
      })
    })
  })
})
