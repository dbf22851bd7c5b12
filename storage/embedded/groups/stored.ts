/**
 * A generation of a classic group as its record holds it, and back.
 */
import type { ClassicGroup } from './classic.ts'
import { Member } from './member.ts'
import type { StoredGroup } from './records.ts'

export function storedGeneration (group: ClassicGroup, assignmentOf: (member: Member) => Buffer): StoredGroup {
  const { protocolType, generation, protocol, members, stateSinceMs } = group
  return {
    protocolType: protocolType ?? '',
    generation,
    protocol,
    leader: members.leaderId,
    currentStateTimestamp: stateSinceMs,
    members: Array.from(members.values(), member => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      rebalanceTimeout: member.terms.rebalanceTimeoutMs,
      sessionTimeout: member.terms.sessionTimeoutMs,
      subscription: member.metadataFor(protocol),
      assignment: assignmentOf(member)
    }))
  }
}

/** Of what the members had said, the record holds only the part that the chosen protocol needed. */
export function storedMembers ({ members, protocol }: StoredGroup): Member[] {
  return members.map(({ sessionTimeout, rebalanceTimeout, subscription, assignment, ...identity }) => {
    const member = new Member(identity, {
      sessionTimeoutMs: sessionTimeout,
      rebalanceTimeoutMs: rebalanceTimeout === -1 ? sessionTimeout : rebalanceTimeout,
      protocols: protocol === null ? [] : [{ name: protocol, metadata: subscription }]
    })
    member.assignment = assignment
    member.isNew = false
    return member
  })
}
