import { api, array, int16, int32, int64, string, topicName, transactionalId } from '../schema.ts'

/**
 * State and partitions of transactions, by their transactional ids (KIP-664).
 */
export const DescribeTransactions = api(65, 'DescribeTransactions', { versions: [0, 0], flexible: 0 }, {
  transactionalIds: array(transactionalId)
}, {
  throttleTimeMs: int32.default(0),
  transactionStates: array({
    errorCode: int16,
    transactionalId,
    transactionState: string,
    transactionTimeoutMs: int32,
    transactionStartTimeMs: int64,
    producerId: int64,
    producerEpoch: int16,
    topics: array({ topic: topicName, partitions: array(int32) })
  })
})
