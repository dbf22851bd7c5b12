/**
 * Who may join a classic group, on which terms, and whether the group has to rebalance for it.
 */
import { randomUUID } from 'node:crypto'
import type { JoinGroup } from '../../../protocol/messages/11-join-group.ts'
import type { Request } from '../../../protocol/schema.ts'
import { joinRefused, storageError, type JoinAnswer } from './answers.ts'
import type { ClassicGroup } from './classic.ts'
import type { Identity, Member, Protocol, Terms } from './member.ts'

/** A JoinGroup, and what its version means. */
export interface Join {
  readonly request: Request<typeof JoinGroup>
  readonly clientId: string
  readonly clientHost: string
  /** KIP-394: a dynamic member without an id is given one and has to come back with it. */
  readonly requiresMemberId: boolean
  /** KIP-814: a leader can be told that there is nothing to assign. */
  readonly maySkipAssignment: boolean
}

/** The longest name that fits a record of the group's log, less what a member id adds to a client id. */
const MAX_NAME_BYTES = 0x7fff - 37
/** Real clients offer two or three. Comparing them is work for every member of the group. */
const MAX_PROTOCOLS = 100

type Answer = JoinAnswer | Promise<JoinAnswer>

/** Answers when the group has a generation for the member, or at once why it will not have one. */
export function join (group: ClassicGroup, attempt: Join): Answer {
  const { memberId, groupInstanceId, protocolType } = attempt.request
  if (group.state === 'Dead') return joinRefused('COORDINATOR_NOT_AVAILABLE', memberId)
  if (!group.hasRoomFor(memberId, groupInstanceId)) {
    if (group.members.knows(memberId)) {
      group.remove(memberId)
      group.afterRemoval()
    }
    return joinRefused('GROUP_MAX_SIZE_REACHED', '')
  }
  if (!isStorable(attempt)) return joinRefused('INVALID_REQUEST', memberId)
  const terms = termsOf(attempt)
  if (!isConsistent(group, protocolType, terms.protocols)) return joinRefused('INCONSISTENT_GROUP_PROTOCOL', memberId)
  if (memberId === '') return groupInstanceId === null ? joinDynamic(group, attempt, terms) : joinStatic(group, attempt, terms)
  if (group.members.isPending(memberId)) return group.admit(identityOf(attempt, memberId), terms, protocolType)
  const error = group.members.check(memberId, groupInstanceId)
  return error === 'NONE' ? rejoin(group, group.members.get(memberId)!, terms) : joinRefused(error, memberId)
}

function isStorable ({ clientId, request: { groupInstanceId, protocolType, protocols } }: Join): boolean {
  return protocols.length <= MAX_PROTOCOLS &&
    [clientId, groupInstanceId ?? '', protocolType, ...protocols.map(({ name }) => name)].every(name => Buffer.byteLength(name) <= MAX_NAME_BYTES)
}

function isConsistent (group: ClassicGroup, protocolType: string, protocols: readonly Protocol[]): boolean {
  if (group.state === 'Empty') return protocolType !== '' && protocols.length > 0
  return protocolType === group.protocolType && group.members.supportsAny(protocols)
}

function joinDynamic (group: ClassicGroup, attempt: Join, terms: Terms): Answer {
  const memberId = `${attempt.clientId}-${randomUUID()}`
  if (!attempt.requiresMemberId) return group.admit(identityOf(attempt, memberId), terms, attempt.request.protocolType)
  group.reserve(memberId, terms.sessionTimeoutMs)
  return joinRefused('MEMBER_ID_REQUIRED', memberId)
}

/** KIP-345: an instance that the group knows takes its old place under a new member id. */
function joinStatic (group: ClassicGroup, attempt: Join, terms: Terms): Answer {
  const { groupInstanceId, protocolType } = attempt.request
  const identity = identityOf(attempt, `${groupInstanceId}-${randomUUID()}`)
  const old = group.members.instance(groupInstanceId)
  if (old === undefined) return group.admit(identity, terms, protocolType)
  const oldLeader = group.members.leaderId
  const member = group.replace(old, identity, terms)
  // In CompletingRebalance the leader may be assigning to the old member id at this moment, so that generation is lost.
  if (group.state !== 'Stable' || group.members.chooseProtocol() !== group.protocol) return group.readmit(member, terms)

  const answer = group.hold(member)
  // Unless a rebalance begins in the meantime: then that is what answers.
  const isCurrent = (): boolean => group.state === 'Stable' && group.members.get(member.memberId) === member
  group.store(({ assignment }) => assignment).then(() => {
    if (!isCurrent()) return
    const leads = group.members.leaderId === member.memberId
    // A leader that cannot be told to skip the assignment sees the old leader's id: it must not assign, and the group would
    // not hear of it if it did. It syncs like a follower and keeps what it had.
    member.answerJoin(attempt.maySkipAssignment
      ? { ...group.currentGeneration(member), skipAssignment: leads }
      : group.currentGeneration(member, oldLeader))
    group.expectHeartbeat(member)
  }, (error: unknown) => {
    if (!isCurrent()) return
    member.answerJoin(joinRefused(storageError(error), ''))
    group.replace(member, old, old.terms)
  })
  return answer
}

/** A member that the group knows by its id. */
function rejoin (group: ClassicGroup, member: Member, terms: Terms): Answer {
  const { state } = group
  const hasNews = !member.matches(terms.protocols)
  if (state === 'PreparingRebalance' || hasNews) return group.readmit(member, terms)
  // A leader joins again without anything new about itself when its topics have changed: the group has to rebalance.
  if (state === 'Stable' && group.members.leaderId === member.memberId) return group.readmit(member, terms)
  // Most likely its last answer was lost. Nothing has changed, so it is told once more.
  return group.currentGeneration(member)
}

function identityOf ({ request, clientId, clientHost }: Join, memberId: string): Identity {
  return { memberId, groupInstanceId: request.groupInstanceId, clientId, clientHost }
}

function termsOf ({ request }: Join): Terms {
  const { sessionTimeoutMs, rebalanceTimeoutMs, protocols } = request
  return {
    sessionTimeoutMs,
    rebalanceTimeoutMs,
    protocols: protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) }))
  }
}
