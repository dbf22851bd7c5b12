/**
 * The second half of a rebalance: the leader hands in who does what, and everyone is told their part.
 */
import { errors, type ErrorName } from '../../../protocol/errors.ts'
import type { SyncGroup } from '../../../protocol/messages/14-sync-group.ts'
import type { Request } from '../../../protocol/schema.ts'
import { NO_BYTES, storageError, syncRefused, type SyncAnswer } from './answers.ts'
import type { ClassicGroup } from './classic.ts'
import type { Member } from './member.ts'

type Sync = Request<typeof SyncGroup>

/** Answers with the assignment once the leader has handed it in and it is durable, or at once why not. */
export function sync (group: ClassicGroup, request: Sync): SyncAnswer | Promise<SyncAnswer> {
  const error = check(group, request)
  if (error !== 'NONE') return syncRefused(error)
  const member = group.members.get(request.memberId)!
  group.hasSynced(member)
  if (group.state === 'Stable') return assigned(group, member)
  const answer = member.awaitSync(syncRefused('REBALANCE_IN_PROGRESS'))
  if (group.members.leaderId === member.memberId) assign(group, request.assignments)
  return answer
}

function check (group: ClassicGroup, { memberId, groupInstanceId, generationId, protocolType, protocolName }: Sync): ErrorName {
  const error = group.check(memberId, groupInstanceId, generationId)
  if (error !== 'NONE') return error
  // KIP-559. Null is what versions that cannot say so say.
  if (protocolType !== null && protocolType !== group.protocolType) return 'INCONSISTENT_GROUP_PROTOCOL'
  if (protocolName !== null && group.protocol !== null && protocolName !== group.protocol) return 'INCONSISTENT_GROUP_PROTOCOL'
  return group.state === 'PreparingRebalance' ? 'REBALANCE_IN_PROGRESS' : 'NONE'
}

function assign (group: ClassicGroup, assignments: Sync['assignments']): void {
  const { generation } = group
  const byMember = new Map(assignments.map(({ memberId, assignment }) => [memberId, Buffer.from(assignment)]))
  const assignmentOf = ({ memberId }: Member): Buffer => byMember.get(memberId) ?? NO_BYTES
  // A member may come or go while the record is being written. Then another rebalance is on, and whoever waited has been told.
  const isCurrent = (): boolean => group.state === 'CompletingRebalance' && group.generation === generation
  group.store(assignmentOf).then(() => {
    if (!isCurrent()) return
    for (const member of group.members.values()) member.assignment = assignmentOf(member)
    group.becomeStable()
    answerSyncs(group, member => assigned(group, member))
  }, (error: unknown) => {
    if (!isCurrent()) return
    refuseSyncs(group, storageError(error))
    group.rebalance()
  })
}

/** The assignments are void: everyone who waits for theirs is answered `error`. */
export function refuseSyncs (group: ClassicGroup, error: ErrorName): void {
  for (const member of group.members.values()) member.assignment = NO_BYTES
  answerSyncs(group, () => syncRefused(error))
}

function answerSyncs (group: ClassicGroup, answerFor: (member: Member) => SyncAnswer): void {
  for (const member of group.members.values()) {
    if (!member.isSyncing) continue
    member.answerSync(answerFor(member))
    group.expectHeartbeat(member) // its session may have run out unnoticed while it waited
  }
}

function assigned ({ protocolType, protocol }: ClassicGroup, { assignment }: Member): SyncAnswer {
  return { errorCode: errors.NONE, protocolType, protocolName: protocol, assignment }
}
