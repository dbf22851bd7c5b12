/**
 * Who is in a classic group, under which names, who leads, and which protocol they agree on.
 */
import type { ErrorName } from '../../../protocol/errors.ts'
import type { Timer } from './clock.ts'
import type { Member, Protocol } from './member.ts'

export class Membership {
  readonly #members = new Map<string, Member>()
  /** KIP-345: member ids by group instance id. */
  readonly #static = new Map<string, string>()
  /** KIP-394: ids that were handed out and have not joined yet, each with its end. Oldest first. */
  readonly #pending = new Map<string, Timer>()
  #leaderId: string | null = null

  get size (): number { return this.#members.size }
  get pendingCount (): number { return this.#pending.size }
  get leaderId (): string | null { return this.#leaderId }
  set leaderId (memberId: string | null) { this.#leaderId = memberId }

  get (memberId: string): Member | undefined {
    return this.#members.get(memberId)
  }

  /** A view: copy it before adding or removing. */
  values (): IterableIterator<Member> {
    return this.#members.values()
  }

  /** The member behind a group instance id. */
  instance (groupInstanceId: string | null): Member | undefined {
    const memberId = groupInstanceId === null ? undefined : this.#static.get(groupInstanceId)
    return memberId === undefined ? undefined : this.#members.get(memberId)
  }

  /** The first member leads. */
  add (member: Member): void {
    this.#members.set(member.memberId, member)
    if (member.groupInstanceId !== null) this.#static.set(member.groupInstanceId, member.memberId)
    this.#leaderId ??= member.memberId
    this.dropPending(member.memberId)
  }

  /** Forgets a member and ends its session. Its waiting requests are the caller's to answer. */
  remove (memberId: string): void {
    const member = this.#members.get(memberId)
    if (member === undefined) return
    member.endSession()
    this.#members.delete(memberId)
    if (member.groupInstanceId !== null) this.#static.delete(member.groupInstanceId)
    if (this.#leaderId === memberId) this.#leaderId = this.#members.keys().next().value ?? null
  }

  /** KIP-345: the same instance under a new member id. It keeps its assignment, and the lead if it had it. */
  replace (old: Member, successor: Member): void {
    const leads = this.#leaderId === old.memberId
    successor.assignment = old.assignment
    this.remove(old.memberId)
    this.add(successor)
    if (leads) this.#leaderId = successor.memberId
  }

  /** NONE if this is a member, under the instance id that it names. */
  check (memberId: string, groupInstanceId: string | null): ErrorName {
    if (groupInstanceId !== null) {
      const known = this.#static.get(groupInstanceId)
      if (known !== undefined && known !== memberId) return 'FENCED_INSTANCE_ID'
      if (known === undefined) return 'UNKNOWN_MEMBER_ID'
    }
    return this.#members.has(memberId) ? 'NONE' : 'UNKNOWN_MEMBER_ID'
  }

  // ---- ids that were handed out (KIP-394)

  isPending (memberId: string): boolean {
    return this.#pending.has(memberId)
  }

  /** A member, or an id that may become one. */
  knows (memberId: string): boolean {
    return this.#members.has(memberId) || this.#pending.has(memberId)
  }

  /** Beyond `limit` the oldest id goes: its owner is told UNKNOWN_MEMBER_ID and asks for another. */
  addPending (memberId: string, limit: number, expiry: Timer): void {
    this.#pending.set(memberId, expiry)
    if (this.#pending.size > limit) this.dropPending(this.#pending.keys().next().value!)
  }

  dropPending (memberId: string): void {
    this.#pending.get(memberId)?.clear()
    this.#pending.delete(memberId)
  }

  dropAllPending (): void {
    for (const timer of this.#pending.values()) timer.clear()
    this.#pending.clear()
  }

  // ---- the rebalance

  get joiningCount (): number {
    let count = 0
    for (const member of this.#members.values()) if (member.isJoining) count++
    return count
  }

  /** Every member has sent JoinGroup, and so has everyone who was given an id. */
  get haveAllJoined (): boolean {
    return this.#pending.size === 0 && this.joiningCount === this.#members.size
  }

  /** The longest that any member may take to rejoin. */
  get rebalanceTimeoutMs (): number {
    let longest = 0
    for (const { terms } of this.#members.values()) longest = Math.max(longest, terms.rebalanceTimeoutMs)
    return longest
  }

  /** Passes the lead to a member that has joined, unless the leader did. False if nobody has. */
  electJoined (): boolean {
    if (this.#leaderId === null) return false
    if (this.#members.get(this.#leaderId)!.isJoining) return true
    for (const member of this.#members.values()) {
      if (!member.isJoining) continue
      this.#leaderId = member.memberId
      return true
    }
    return false
  }

  // ---- the protocol

  /** Whether one of these protocols is one that every member supports. */
  supportsAny (protocols: readonly Protocol[]): boolean {
    const common = this.#commonProtocols()
    return common === null ? protocols.length > 0 : protocols.some(({ name }) => common.has(name))
  }

  /** The protocol that most members like best among those that all support; null if there is none. */
  chooseProtocol (): string | null {
    const common = this.#commonProtocols()
    const votes = new Map<string, number>()
    let chosen: string | null = null
    for (const { terms } of this.#members.values()) {
      const choice = terms.protocols.find(({ name }) => common!.has(name))?.name
      if (choice === undefined) return null
      votes.set(choice, (votes.get(choice) ?? 0) + 1)
    }
    for (const [name, count] of votes) if (chosen === null || count > votes.get(chosen)!) chosen = name
    return chosen
  }

  /** Null if there are no members to disagree. */
  #commonProtocols (): ReadonlySet<string> | null {
    let common: Set<string> | null = null
    for (const { terms } of this.#members.values()) {
      const names = new Set(terms.protocols.map(({ name }) => name))
      common = common === null ? names : common.intersection(names)
    }
    return common
  }
}
