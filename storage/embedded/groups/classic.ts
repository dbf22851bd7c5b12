/**
 * A classic consumer group: the state machine of Kafka's rebalance protocol.
 *
 *   Empty -> PreparingRebalance -> CompletingRebalance -> Stable
 *
 * PreparingRebalance collects a JoinGroup from every member, CompletingRebalance waits for the leader's SyncGroup, and any
 * change of members or of what they say leads back to PreparingRebalance. A rebalance that finds nobody ends in Empty.
 *
 * Who may join on which terms is in join.ts; this file is what happens then. Nothing here knows a protocol's metadata:
 * whatever the group's protocol type, it is bytes.
 */
import { errors, type ErrorName } from '../../../protocol/errors.ts'
import { type SyncGroup } from '../../../protocol/messages/14-sync-group.ts'
import { type Request } from '../../../protocol/schema.ts'
import { joinRefused, NO_BYTES, storageError, syncRefused, type JoinAnswer, type SyncAnswer } from './answers.ts'
import { type GroupClock, type Timer } from './clock.ts'
import { type GroupConfig } from './config.ts'
import { type Journal } from './journal.ts'
import { Member, type Identity, type Terms } from './member.ts'
import { Membership } from './membership.ts'
import { Offsets } from './offsets.ts'
import { groupRecord, type StoredGroup } from './records.ts'

export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead'

/** What groups share. */
export interface GroupHost {
  readonly config: GroupConfig
  readonly clock: GroupClock
  readonly journal: Journal
}

/**
 * How long a member may wait in its first JoinGroup. It has no member id yet and cannot send heartbeats, and nobody could
 * tell if its peer left; this is Kafka's `group.new.member.join.timeout`.
 */
const NEW_MEMBER_JOIN_TIMEOUT_MS = 300_000

export class ClassicGroup {
  readonly groupId: string
  readonly members = new Membership()
  readonly offsets: Offsets
  readonly #host: GroupHost
  #state: GroupState = 'Empty'
  #stateSinceMs: number
  #generation = 0
  #protocolType: string | null = null
  #protocol: string | null = null
  /** The group was empty when this rebalance began, so it waits for members that nobody has heard of. */
  #isInitial = false
  /** Somebody has joined since the initial delay began. */
  #hasNewcomers = false
  /** Members that have not sent SyncGroup since the last rebalance. */
  readonly #unsynced = new Set<string>()
  #joinTimer: Timer | null = null
  #syncTimer: Timer | null = null

  constructor (groupId: string, host: GroupHost, offsets = new Offsets()) {
    this.groupId = groupId
    this.offsets = offsets
    this.#host = host
    this.#stateSinceMs = host.clock.now()
  }

  get state (): GroupState { return this.#state }
  get stateSinceMs (): number { return this.#stateSinceMs }
  get generation (): number { return this.#generation }
  /** Null for a simple group: one that only ever had offsets committed. */
  get protocolType (): string | null { return this.#protocolType }
  get protocol (): string | null { return this.#protocol }

  // ---- joining

  /** Whether a member, or a newcomer whose id is empty, fits in. */
  hasRoomFor (memberId: string): boolean {
    const { maxSize } = this.#host.config
    const member = this.members.get(memberId)
    if (this.#state === 'Empty') return true
    // Those who were there before do not count while everyone joins anew: after `maxSize` shrank, the last to come are out.
    if (this.#state === 'PreparingRebalance') return member?.isJoining === true || this.members.joiningCount < maxSize
    return member !== undefined || this.members.size < maxSize
  }

  /** A new member; the answer comes with the next generation. */
  admit (identity: Identity, terms: Terms, protocolType: string): Promise<JoinAnswer> {
    if (this.#state === 'PreparingRebalance' && this.#isInitial) this.#hasNewcomers = true
    if (this.members.size === 0) this.#protocolType = protocolType
    const member = new Member(identity, terms)
    this.members.add(member)
    const answer = this.hold(member)
    this.expectHeartbeat(member, NEW_MEMBER_JOIN_TIMEOUT_MS)
    this.rebalance()
    return answer
  }

  /** A member joins again, and this makes the group rebalance. */
  readmit (member: Member, terms: Terms): Promise<JoinAnswer> {
    member.update(terms)
    const answer = this.hold(member)
    this.rebalance()
    return answer
  }

  /** A JoinGroup waits. One that still waits for the same member was given up by its peer: it gives way. */
  hold (member: Member): Promise<JoinAnswer> {
    return member.awaitJoin(joinRefused('REBALANCE_IN_PROGRESS', member.memberId))
  }

  /** KIP-394: keeps an id for a member until it joins with it. */
  reserve (memberId: string, sessionTimeoutMs: number): void {
    this.members.addPending(memberId, this.#host.config.maxSize, this.#host.clock.setTimer(sessionTimeoutMs, () => {
      this.members.dropPending(memberId)
      this.afterRemoval()
    }))
  }

  /**
   * KIP-345: the same instance came back as another process. Whoever used its old member id is fenced off, in requests that
   * wait now and in any that follow.
   */
  replace (old: Member, identity: Identity, terms: Terms): Member {
    const successor = new Member(identity, terms)
    successor.isNew = false
    old.answerJoin(joinRefused('FENCED_INSTANCE_ID', old.memberId))
    old.answerSync(syncRefused('FENCED_INSTANCE_ID'))
    if (this.#unsynced.delete(old.memberId)) this.#unsynced.add(successor.memberId)
    this.members.replace(old, successor)
    this.expectHeartbeat(successor)
    return successor
  }

  /** Begins a rebalance; in one that goes on already, ends it if this was the last member it waited for. */
  rebalance (): void {
    if (this.#state === 'PreparingRebalance') {
      this.#completeJoinIfAllCame()
      return
    }
    if (this.#state === 'CompletingRebalance') this.#endSync(syncRefused('REBALANCE_IN_PROGRESS'))
    this.#forgetSync()
    this.#isInitial = this.#state === 'Empty'
    this.#enter('PreparingRebalance')
    if (this.#isInitial) this.#gather(this.#host.config.initialRebalanceDelayMs, this.members.rebalanceTimeoutMs)
    else if (this.members.haveAllJoined) this.#completeJoin()
    else this.#completeJoinIn(this.members.rebalanceTimeoutMs)
  }

  /** Waits for members that start at about the same time; once more while they keep coming, within the rebalance timeout. */
  #gather (delayMs: number, remainingMs: number): void {
    this.#hasNewcomers = false
    this.#joinTimer = this.#host.clock.setTimer(delayMs, () => {
      const leftMs = remainingMs - delayMs
      if (this.#hasNewcomers && leftMs > 0) this.#gather(Math.min(delayMs, leftMs), leftMs)
      else this.#completeJoin()
    })
  }

  #completeJoinIfAllCame (): void {
    if (!this.#isInitial && this.members.haveAllJoined) this.#completeJoin()
  }

  #completeJoinIn (ms: number): void {
    this.#joinTimer = this.#host.clock.setTimer(ms, () => this.#completeJoin())
  }

  /** The join phase ends: who has not rejoined is out, unless it is static, and the others learn of the new generation. */
  #completeJoin (): void {
    this.#joinTimer?.clear()
    for (const member of [...this.members.values()]) {
      if (!member.isJoining && !member.isStatic) this.members.remove(member.memberId)
    }
    if (this.members.size > 0 && !this.members.electJoined()) {
      // Nobody rejoined, but there are static members, which stay until their session ends.
      this.#completeJoinIn(this.members.rebalanceTimeoutMs)
      return
    }
    this.#generation++
    if (this.members.size === 0) this.#becomeEmpty()
    else this.#beginSync()
  }

  #becomeEmpty (): void {
    this.#protocol = null
    this.#enter('Empty')
    // If this record is lost, a restart finds the last generation and its members, whose sessions then end once more.
    this.store(() => NO_BYTES).catch(() => {})
  }

  // ---- syncing

  #beginSync (): void {
    this.#protocol = this.members.chooseProtocol()
    this.#enter('CompletingRebalance')
    for (const member of this.members.values()) {
      member.answerJoin(this.currentGeneration(member))
      member.isNew = false
      this.expectHeartbeat(member)
      this.#unsynced.add(member.memberId)
    }
    // KAFKA-12984: a member that joins and then never syncs must not hold the group up for good.
    this.#syncTimer = this.#host.clock.setTimer(this.members.rebalanceTimeoutMs, () => {
      for (const memberId of this.#unsynced) this.remove(memberId)
      this.rebalance()
    })
  }

  /** What JoinGroup answers to a member of this generation. Only the leader sees what the others said. */
  currentGeneration (member: Member, leader = this.members.leaderId): JoinAnswer {
    return {
      errorCode: errors.NONE,
      generationId: this.#generation,
      protocolType: this.#protocolType,
      protocolName: this.#protocol,
      leader: leader ?? '',
      memberId: member.memberId,
      members: leader === member.memberId ? Array.from(this.members.values(), one => this.#introduce(one)) : []
    }
  }

  #introduce (member: Member): JoinAnswer['members'][number] {
    return { memberId: member.memberId, groupInstanceId: member.groupInstanceId, metadata: member.metadataFor(this.#protocol) }
  }

  /** The leader hands in an assignment, and everyone is told theirs once it is durable. */
  sync (request: Request<typeof SyncGroup>): SyncAnswer | Promise<SyncAnswer> {
    const error = this.#checkSync(request)
    if (error !== 'NONE') return syncRefused(error)
    const member = this.members.get(request.memberId)!
    this.#unsynced.delete(member.memberId)
    if (this.#unsynced.size === 0) this.#syncTimer?.clear()
    if (this.#state === 'Stable') return this.#assigned(member)
    const answer = member.awaitSync(syncRefused('REBALANCE_IN_PROGRESS'))
    if (this.members.leaderId === member.memberId) {
      this.#assign(new Map(request.assignments.map(({ memberId, assignment }) => [memberId, Buffer.from(assignment)])))
    }
    return answer
  }

  #checkSync ({ memberId, groupInstanceId, generationId, protocolType, protocolName }: Request<typeof SyncGroup>): ErrorName {
    const error = this.check(memberId, groupInstanceId, generationId)
    if (error !== 'NONE') return error
    // KIP-559: null from versions that do not say.
    if (protocolType !== null && protocolType !== this.#protocolType) return 'INCONSISTENT_GROUP_PROTOCOL'
    if (protocolName !== null && this.#protocol !== null && protocolName !== this.#protocol) return 'INCONSISTENT_GROUP_PROTOCOL'
    return this.#state === 'PreparingRebalance' ? 'REBALANCE_IN_PROGRESS' : 'NONE'
  }

  #assign (assignments: ReadonlyMap<string, Buffer>): void {
    const generation = this.#generation
    const assignmentOf = ({ memberId }: Member): Buffer => assignments.get(memberId) ?? NO_BYTES
    // A member may have left, or joined, while the record was being written: then another rebalance goes on, and it has
    // told whoever waited.
    const isCurrent = (): boolean => this.#state === 'CompletingRebalance' && this.#generation === generation
    this.store(assignmentOf).then(() => {
      if (!isCurrent()) return
      for (const member of this.members.values()) member.assignment = assignmentOf(member)
      this.#enter('Stable')
      this.#endSync(null)
    }, (error: unknown) => {
      if (!isCurrent()) return
      this.#endSync(syncRefused(storageError(error)))
      this.rebalance()
    })
  }

  /** Answers every SyncGroup that waits: with the assignment, or with `refusal`. */
  #endSync (refusal: SyncAnswer | null): void {
    for (const member of this.members.values()) {
      if (refusal !== null) member.assignment = NO_BYTES
      if (!member.isSyncing) continue
      member.answerSync(refusal ?? this.#assigned(member))
      this.expectHeartbeat(member) // its session may have ended unnoticed while it waited
    }
  }

  #assigned ({ assignment }: Member): SyncAnswer {
    return { errorCode: errors.NONE, protocolType: this.#protocolType, protocolName: this.#protocol, assignment }
  }

  #forgetSync (): void {
    this.#syncTimer?.clear()
    this.#unsynced.clear()
  }

  // ---- staying and leaving

  /** NONE if this is a member of the present generation. */
  check (memberId: string, groupInstanceId: string | null, generationId: number): ErrorName {
    if (this.#state === 'Dead') return 'COORDINATOR_NOT_AVAILABLE'
    const error = this.members.check(memberId, groupInstanceId)
    if (error !== 'NONE') return error
    return generationId === this.#generation ? 'NONE' : 'ILLEGAL_GENERATION'
  }

  /** The member is there, and has its session timeout, or `ms`, to say so again. */
  expectHeartbeat (member: Member, ms = member.terms.sessionTimeoutMs): void {
    member.expectHeartbeat(this.#host.clock, ms, () => {
      // A member that waits for an answer shows that it is there, unless it has been waiting since it came.
      if (!member.isNew && (member.isJoining || member.isSyncing)) return
      this.remove(member.memberId)
      this.afterRemoval()
    })
  }

  /** Takes out a member, or an id that was reserved. If it waits for an answer, it is told to come back as a new one. */
  remove (memberId: string): void {
    this.members.dropPending(memberId)
    const member = this.members.get(memberId)
    if (member === undefined) return
    member.answerJoin(joinRefused('UNKNOWN_MEMBER_ID', ''))
    member.answerSync(syncRefused('UNKNOWN_MEMBER_ID'))
    this.#unsynced.delete(memberId)
    this.members.remove(memberId)
  }

  /** To be called once members were removed. */
  afterRemoval (): void {
    if (this.#state === 'Stable' || this.#state === 'CompletingRebalance') this.rebalance()
    else if (this.#state === 'PreparingRebalance') this.#completeJoinIfAllCame()
  }

  // ---- beginning and end

  /**
   * Takes over what a record says. A group with members is stable: nothing else is ever written. Its sessions begin anew, as
   * if every member had just been heard.
   */
  load ({ generation, protocolType, protocol, leader, currentStateTimestamp, members }: StoredGroup): void {
    this.#generation = generation
    this.#protocolType = protocolType === '' ? null : protocolType
    this.#protocol = protocol
    for (const { assignment, subscription, sessionTimeout, rebalanceTimeout, ...identity } of members) {
      const member = new Member(identity, {
        sessionTimeoutMs: sessionTimeout,
        rebalanceTimeoutMs: rebalanceTimeout === -1 ? sessionTimeout : rebalanceTimeout,
        protocols: [{ name: protocol ?? '', metadata: subscription }]
      })
      member.assignment = assignment
      member.isNew = false
      this.members.add(member)
      this.expectHeartbeat(member)
    }
    if (leader !== null && this.members.get(leader) !== undefined) this.members.leaderId = leader
    this.#state = members.length === 0 ? 'Empty' : 'Stable'
    if (currentStateTimestamp !== -1) this.#stateSinceMs = currentStateTimestamp
    // `maxSize` may be smaller than it was: the rebalance admits as many as there may be.
    if (this.members.size > this.#host.config.maxSize) this.rebalance()
  }

  /** Makes the group as it is durable, with these assignments. Rejects as `Journal.append` does. */
  async store (assignmentOf: (member: Member) => Buffer): Promise<void> {
    const record = groupRecord(this.groupId, {
      protocolType: this.#protocolType ?? '',
      generation: this.#generation,
      protocol: this.#protocol,
      leader: this.members.leaderId,
      currentStateTimestamp: this.#stateSinceMs,
      members: Array.from(this.members.values(), member => ({
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        rebalanceTimeout: member.terms.rebalanceTimeoutMs,
        sessionTimeout: member.terms.sessionTimeoutMs,
        subscription: member.metadataFor(this.#protocol),
        assignment: assignmentOf(member)
      }))
    })
    await this.#host.journal.append([record])
  }

  /** The group is being deleted, or the coordinator stops: whoever waits is answered `error`, whoever asks is told to come later. */
  end (error: ErrorName): void {
    this.#joinTimer?.clear()
    this.#forgetSync()
    this.members.dropAllPending()
    for (const member of this.members.values()) {
      member.endSession()
      member.answerJoin(joinRefused(error, member.memberId))
      member.answerSync(syncRefused(error))
    }
    this.#state = 'Dead'
  }

  /** The deletion of an empty group failed. */
  revive (): void {
    this.#state = 'Empty'
  }

  #enter (state: GroupState): void {
    this.#state = state
    this.#stateSinceMs = this.#host.clock.now()
  }
}
