import { api, int16, int32, int64, transactionalId } from '../schema.ts'

/**
 * A producer id for an idempotent producer, or with a transactional id for a transactional one.
 * v2 flexible, v3 bumping the epoch of a given id (KIP-360), v4 PRODUCER_FENCED, v5 TRANSACTION_ABORTABLE (KIP-890).
 * v6 (KIP-939) is not stable in Kafka.
 */
export const InitProducerId = api(22, 'InitProducerId', { versions: [0, 5], flexible: 2 }, {
  transactionalId: transactionalId.nullable(),
  transactionTimeoutMs: int32,
  producerId: int64.since(3).default(-1),
  producerEpoch: int16.since(3).default(-1)
}, {
  throttleTimeMs: int32.default(0),
  errorCode: int16,
  producerId: int64.default(-1),
  producerEpoch: int16
})
