/**
 * What goes wrong beneath a request, as the Kafka error that its answer carries.
 */
import { KafkaError } from '../../protocol/errors.ts'

/**
 * The error for a response: a KafkaError as it is; what the operating system refused (a full disk, no descriptors left) as
 * KAFKA_STORAGE_ERROR, which clients try again. Anything else is a fault of this program and is thrown on.
 */
export function kafkaErrorOf (error: unknown): KafkaError {
  if (error instanceof KafkaError) return error
  if (isSystemError(error)) return new KafkaError('KAFKA_STORAGE_ERROR', `The disk refused: ${error.message}.`, { cause: error })
  throw error
}

function isSystemError (error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && /^E[A-Z0-9]+$/.test(String((error as NodeJS.ErrnoException).code))
}
