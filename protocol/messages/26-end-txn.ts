import { api, bool, int16, int32, int64, transactionalId } from '../schema.ts'

/**
 * Commit or abort a transaction (KIP-98).
 * v2 PRODUCER_FENCED, v3 flexible, v4 TRANSACTION_ABORTABLE, v5 a new epoch, or producer id, for each transaction (KIP-890).
 */
export const EndTxn = api(26, 'EndTxn', { versions: [0, 5], flexible: 3 }, {
  transactionalId,
  producerId: int64,
  producerEpoch: int16,
  committed: bool
}, {
  throttleTimeMs: int32.default(0),
  errorCode: int16,
  producerId: int64.since(5).default(-1).ignorable(),
  producerEpoch: int16.since(5).default(-1).ignorable()
})
