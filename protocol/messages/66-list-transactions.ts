import { api, array, int16, int32, int64, string, transactionalId } from '../schema.ts'

/**
 * Every transaction that this broker coordinates (KIP-664).
 * v1 only those that have been open for so long (KIP-994), v2 only those whose id matches a pattern (KIP-1152).
 */
export const ListTransactions = api(66, 'ListTransactions', { versions: [0, 2], flexible: 0 }, {
  stateFilters: array(string),
  producerIdFilters: array(int64),
  durationFilter: int64.since(1).default(-1),
  transactionalIdPattern: string.since(2).nullable().default(null)
}, {
  throttleTimeMs: int32.default(0),
  errorCode: int16,
  unknownStateFilters: array(string),
  transactionStates: array({ transactionalId, producerId: int64, transactionState: string })
})
