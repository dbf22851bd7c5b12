/**
 * What keeps a member in its classic group and what takes it out: heartbeats, commits, leaving.
 */
import type { ErrorName } from '../../../protocol/errors.ts'
import type { ClassicGroup } from './classic.ts'

export interface Leaving {
  readonly memberId: string
  readonly groupInstanceId: string | null
}

export function heartbeat (group: ClassicGroup, memberId: string, groupInstanceId: string | null, generationId: number): ErrorName {
  const error = group.check(memberId, groupInstanceId, generationId)
  if (error !== 'NONE') return error
  group.expectHeartbeat(group.members.get(memberId)!)
  return group.state === 'PreparingRebalance' ? 'REBALANCE_IN_PROGRESS' : 'NONE'
}

/** Whether offsets may be committed. A member's commit is as good as a heartbeat. */
export function mayCommit (group: ClassicGroup, memberId: string, groupInstanceId: string | null, generationId: number): ErrorName {
  if (group.state === 'Dead') return 'COORDINATOR_NOT_AVAILABLE'
  // Without a generation: a consumer that picks its partitions itself, or an operator.
  if (generationId < 0 && group.state === 'Empty') return 'NONE'
  const error = group.check(memberId, groupInstanceId, generationId)
  if (error !== 'NONE') return error
  if (group.state === 'CompletingRebalance') return 'REBALANCE_IN_PROGRESS'
  group.expectHeartbeat(group.members.get(memberId)!)
  return 'NONE'
}

/**
 * Removes members, by member id or, where that is empty, by instance id, which is how an operator removes a static member
 * (KIP-345). One result each, in order; one rebalance for all.
 */
export function leave (group: ClassicGroup, leaving: readonly Leaving[]): ErrorName[] {
  if (group.state === 'Dead') return leaving.map(() => 'COORDINATOR_NOT_AVAILABLE')
  const results = leaving.map(one => leaveOne(group, one))
  if (results.includes('NONE')) group.afterRemoval()
  return results
}

function leaveOne (group: ClassicGroup, { memberId, groupInstanceId }: Leaving): ErrorName {
  const { members } = group
  if (!members.isPending(memberId)) {
    if (memberId === '') memberId = members.instance(groupInstanceId)?.memberId ?? ''
    const error = members.check(memberId, groupInstanceId)
    if (error !== 'NONE') return error
  }
  group.remove(memberId)
  return 'NONE'
}
