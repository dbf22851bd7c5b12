/**
 * InitProducerId, v0 to v5.
 * A fresh id with epoch 0 for an idempotent producer. Transactions are not supported: a transactional id is refused with
 * an error that clients do not retry.
 */
import { KafkaError, errors } from '../../../protocol/errors.ts'
import { InitProducerId } from '../../../protocol/messages/22-init-producer-id.ts'
import { handler } from '../handler.ts'

export const initProducerId = handler(InitProducerId, [0, 5], async ({ transactionalId }, _context, state) => {
  if (transactionalId !== null) return { errorCode: errors.INVALID_REQUEST, producerId: -1, producerEpoch: -1 }
  try {
    return { errorCode: errors.NONE, producerId: await state.producerIds.take(), producerEpoch: 0 }
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return { errorCode: error.errorCode, producerId: -1, producerEpoch: -1 }
  }
})
