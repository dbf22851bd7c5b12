/**
 * Producing records of which some could not even be made, as their value does not fit a schema.
 */
import { KafkaError } from '../../protocol/errors.ts'
import type { Context, Dispatch } from '../../protocol/rpc.ts'
import { produce, type OutgoingRecord, type Outcome } from './producer.ts'

/** A record, or why there is none. */
export type Attempt = OutgoingRecord | KafkaError

/**
 * As `produce`; what is no record keeps its error, and with `stop` nothing behind it is sent. Nothing is asked of the log
 * where there is no record at all.
 */
export async function produceEach (
  dispatch: Dispatch, context: Context, topic: string, attempts: readonly Attempt[], acks: -1 | 1 = -1, afterError: 'continue' | 'stop' = 'continue'
): Promise<Outcome[]> {
  const fault = attempts.findIndex(isError)
  if (fault === -1) return await produce(dispatch, context, topic, attempts as readonly OutgoingRecord[], acks, afterError)
  const sent = (afterError === 'stop' ? attempts.slice(0, fault) : attempts).filter((attempt): attempt is OutgoingRecord => !isError(attempt))
  const outcomes = sent.length === 0 ? [] : await produce(dispatch, context, topic, sent, acks, afterError)
  let next = 0
  return attempts.map((attempt, i) => {
    if (isError(attempt)) return i > fault && afterError === 'stop' ? new KafkaError('OPERATION_NOT_ATTEMPTED') : attempt
    return outcomes[next++] ?? new KafkaError('OPERATION_NOT_ATTEMPTED')
  })
}

const isError = (attempt: Attempt): attempt is KafkaError => attempt instanceof KafkaError
