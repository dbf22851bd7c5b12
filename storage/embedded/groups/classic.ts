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
import { joinRefused, NO_BYTES, syncRefused, type JoinAnswer } from './answers.ts'
import type { GroupClock, Timer } from './clock.ts'
import type { GroupConfig } from './config.ts'
import type { Journal } from './journal.ts'
import { Member, type Identity, type Terms } from './member.ts'
import { Membership } from './membership.ts'
import { Offsets } from './offsets.ts'
import { groupRecord, type StoredGroup } from './records.ts'
import { storedGeneration, storedMembers } from './stored.ts'
import { refuseSyncs } from './sync.ts'

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

  /** Whether a newcomer, or someone who may be a member already, fits in. */
  hasRoomFor (memberId: string, groupInstanceId: string | null): boolean {
    const { maxSize } = this.#host.config
    const member = this.members.get(memberId) ?? this.members.instance(groupInstanceId)
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
      if (this.#state === 'PreparingRebalance') this.#completeJoinIfAllCame()
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
    if (this.#state === 'CompletingRebalance') refuseSyncs(this, 'REBALANCE_IN_PROGRESS')
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

  /** A member has sent SyncGroup. */
  hasSynced ({ memberId }: Member): void {
    this.#unsynced.delete(memberId)
    if (this.#unsynced.size === 0) this.#syncTimer?.clear()
  }

  /** Everyone has been assigned their part. */
  becomeStable (): void {
    this.#enter('Stable')
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
  load (stored: StoredGroup): void {
    this.#generation = stored.generation
    this.#protocolType = stored.protocolType === '' ? null : stored.protocolType
    this.#protocol = stored.protocol
    for (const member of storedMembers(stored)) {
      this.members.add(member)
      this.expectHeartbeat(member)
    }
    if (stored.leader !== null && this.members.knows(stored.leader)) this.members.leaderId = stored.leader
    this.#state = this.members.size === 0 ? 'Empty' : 'Stable'
    if (stored.currentStateTimestamp !== -1) this.#stateSinceMs = stored.currentStateTimestamp
    // `maxSize` may be smaller than it was: the rebalance admits as many as there may be.
    if (this.members.size > this.#host.config.maxSize) this.rebalance()
  }

  /** Makes the group durable as it is now, with these assignments. Rejects as `Journal.append` does. */
  async store (assignmentOf: (member: Member) => Buffer): Promise<void> {
    await this.#host.journal.append([groupRecord(this.groupId, storedGeneration(this, assignmentOf))])
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
