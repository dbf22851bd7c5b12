import { api, array, int16, int32, int64, topicName, transactionalId } from '../schema.ts'

const addPartitionsToTxnTopic = { name: topicName, partitions: array(int32) }
const addPartitionsToTxnTopicResult = {
  name: topicName,
  resultsByPartition: array({ partitionIndex: int32, partitionErrorCode: int16 })
}

/**
 * Take partitions into a transaction before anything is written to them (KIP-98).
 * v2 PRODUCER_FENCED, v3 flexible. From v4 on (KIP-890) only brokers send it, about many transactions at once: that is left out.
 */
export const AddPartitionsToTxn = api(24, 'AddPartitionsToTxn', { versions: [0, 3], flexible: 3 }, {
  v3AndBelowTransactionalId: transactionalId,
  v3AndBelowProducerId: int64,
  v3AndBelowProducerEpoch: int16,
  v3AndBelowTopics: array(addPartitionsToTxnTopic)
}, {
  throttleTimeMs: int32.default(0),
  resultsByTopicV3AndBelow: array(addPartitionsToTxnTopicResult)
})
