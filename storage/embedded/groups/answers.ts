/**
 * What members are told: the answers of JoinGroup and SyncGroup, and what becomes of the log's errors.
 */
import { errors, KafkaError, type ErrorName } from '../../../protocol/errors.ts'
import type { JoinGroup } from '../../../protocol/messages/11-join-group.ts'
import type { SyncGroup } from '../../../protocol/messages/14-sync-group.ts'
import type { ResponseInput } from '../../../protocol/schema.ts'

export type JoinAnswer = ResponseInput<typeof JoinGroup>
export type SyncAnswer = ResponseInput<typeof SyncGroup>

export const NO_BYTES: Buffer = Buffer.alloc(0)

/** `memberId` is the id to come back with: empty where the member has to begin anew. */
export function joinRefused (error: ErrorName, memberId: string): JoinAnswer {
  return { errorCode: errors[error], memberId, protocolName: null, leader: '', members: [] }
}

export function syncRefused (error: ErrorName): SyncAnswer {
  return { errorCode: errors[error], assignment: NO_BYTES }
}

/**
 * What a client is told when the log could not take a record. A failing disk looks like a coordinator that is not there for
 * the moment, which every client tries again; a record that no log will ever take does not.
 */
export function storageError (error: unknown): ErrorName {
  if (!(error instanceof KafkaError)) return 'UNKNOWN_SERVER_ERROR'
  switch (error.code) {
    case 'MESSAGE_TOO_LARGE':
    case 'RECORD_LIST_TOO_LARGE': return 'UNKNOWN_SERVER_ERROR'
    default: return 'COORDINATOR_NOT_AVAILABLE'
  }
}
