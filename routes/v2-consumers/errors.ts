/**
 * What goes wrong with a consumer instance, in Confluent's codes.
 */
import { errorRow, KafkaError } from '../../protocol/errors.ts'
import { ConsumerError, type ConsumerFault } from '../../src/client/consumer-error.ts'
import { InstanceRefused } from '../../src/client/instances.ts'
import { ConfluentError } from '../problem.ts'

const REFUSALS: Readonly<Record<InstanceRefused['reason'], number>> = { exists: 40902, 'too-many': 42901, unknown: 40403 }
const FAULTS: Readonly<Record<ConsumerFault, number>> = { 'already-subscribed': 40901, 'illegal-state': 40903, 'no-partition': 40402, closed: 40403 }

const ILLEGAL_STATE = 40903
const UNKNOWN_TOPIC = 40401
const CONFLICT = 409

/** The error that the caller is told. */
export function translated (error: unknown): unknown {
  if (error instanceof InstanceRefused) return new ConfluentError(REFUSALS[error.reason], error.message)
  if (error instanceof ConsumerError) return new ConfluentError(FAULTS[error.fault], error.message)
  if (!(error instanceof KafkaError)) return error
  if (error.code === 'UNKNOWN_TOPIC_OR_PARTITION') return new ConfluentError(UNKNOWN_TOPIC, error.message)
  // The group has moved on, or has no place for this member.
  if (errorRow(error.errorCode).http === CONFLICT || error.code === 'UNKNOWN_MEMBER_ID') return new ConfluentError(ILLEGAL_STATE, error.message)
  return error
}
