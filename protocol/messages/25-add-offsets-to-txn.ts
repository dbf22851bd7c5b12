import { api, groupId, int16, int32, int64, transactionalId } from '../schema.ts'

/**
 * Take the committed offsets of a group into a transaction (KIP-98).
 * v2 PRODUCER_FENCED, v3 flexible, v4 TRANSACTION_ABORTABLE (KIP-890).
 */
export const AddOffsetsToTxn = api(25, 'AddOffsetsToTxn', { versions: [0, 4], flexible: 3 }, {
  transactionalId,
  producerId: int64,
  producerEpoch: int16,
  groupId
}, {
  throttleTimeMs: int32.default(0),
  errorCode: int16
})
