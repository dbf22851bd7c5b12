/**
 * The group coordinator: every group of this node and what is asked of them.
 *
 * What has to survive is in `__consumer_offsets`: committed offsets, and of each group its last generation. At start its
 * records are replayed, and members find their group as they left it.
 */
import type { ErrorName } from '../../../protocol/errors.ts'
import type { Heartbeat } from '../../../protocol/messages/12-heartbeat.ts'
import type { SyncGroup } from '../../../protocol/messages/14-sync-group.ts'
import type { LogRecord } from '../../../protocol/records.ts'
import type { Request } from '../../../protocol/schema.ts'
import { joinRefused, syncRefused, type JoinAnswer, type SyncAnswer } from './answers.ts'
import { ClassicGroup, type GroupHost } from './classic.ts'
import type { GroupClock, Timer } from './clock.ts'
import { commitOffsets, type Commit } from './commit.ts'
import type { GroupConfig } from './config.ts'
import { join, type Join } from './join.ts'
import { Journal, type GroupLog } from './journal.ts'
import { Offsets } from './offsets.ts'
import { readEntry, type StoredGroup } from './records.ts'
import { deleteGroup, forgetTopic, removeExpired } from './removal.ts'
import { heartbeat, leave, type Leaving } from './session.ts'
import { sync } from './sync.ts'

export interface GroupsOptions {
  readonly log: GroupLog
  readonly config: GroupConfig
  readonly partitionExists: (topic: string, partition: number) => boolean
  readonly clock: GroupClock
}

/** Kafka's `offsets.retention.check.interval.ms`. */
const EXPIRY_CHECK_MS = 600_000
/** The longest group id that fits a record's key. */
const MAX_GROUP_ID_BYTES = 0x7fff

export class Groups {
  readonly #host: GroupHost
  readonly #partitionExists: GroupsOptions['partitionExists']
  readonly #groups = new Map<string, ClassicGroup>()
  /** What replay has found. */
  readonly #stored = new Map<string, { group: StoredGroup | null, readonly offsets: Offsets }>()
  #isRunning = false
  #expiryCheck: Timer | null = null

  constructor ({ log, config, partitionExists, clock }: GroupsOptions) {
    this.#host = { config, clock, journal: new Journal(log) }
    this.#partitionExists = partitionExists
  }

  // ---- beginning and end

  /** Takes one record of `__consumer_offsets`: to be called for each, in order, before `start`. Throws ProtocolError. */
  replay (record: LogRecord): void {
    const entry = readEntry(record)
    if (entry === null) return
    let stored = this.#stored.get(entry.groupId)
    if (stored === undefined) this.#stored.set(entry.groupId, stored = { group: null, offsets: new Offsets() })
    if (entry.kind === 'group') stored.group = entry.value
    else if (entry.value === null) stored.offsets.delete(entry.at)
    else stored.offsets.set(entry.at, entry.value)
  }

  /** Begins to answer. The members of replayed groups have their session timeout to be heard of. */
  start (): void {
    for (const [groupId, { group: value, offsets }] of this.#stored) {
      if (value === null && offsets.size === 0) continue
      const group = new ClassicGroup(groupId, this.#host, offsets)
      this.#groups.set(groupId, group)
      if (value !== null) group.load(value)
    }
    this.#stored.clear()
    this.#isRunning = true
    this.#scheduleExpiry()
  }

  /** Requests that wait are answered NOT_COORDINATOR: clients look for the coordinator and ask again. */
  stop (): void {
    this.#isRunning = false
    this.#expiryCheck?.clear()
    for (const group of this.#groups.values()) group.end('NOT_COORDINATOR')
    this.#groups.clear()
  }

  /** Forgets what was committed in a topic that does not exist any more. Rejects with KafkaError if that is not durable. */
  async topicDeleted (topic: string): Promise<void> {
    await forgetTopic(this.#groups, topic, this.#host)
  }

  #scheduleExpiry (): void {
    this.#expiryCheck = this.#host.clock.setTimer(EXPIRY_CHECK_MS, () => {
      // What the log does not take now is still there, and still expired, at the next check.
      removeExpired(this.#groups, this.#host).catch(() => {})
      this.#scheduleExpiry()
    })
  }

  /** Until `start` and after `stop` nothing can be said of any group: what is asked then is answered COORDINATOR_NOT_AVAILABLE. */
  get isRunning (): boolean {
    return this.#isRunning
  }

  // ---- members

  async join (attempt: Join): Promise<JoinAnswer> {
    const { groupId, memberId, sessionTimeoutMs } = attempt.request
    const { minSessionTimeoutMs, maxSessionTimeoutMs, maxGroups } = this.#host.config
    if (!this.#isRunning) return joinRefused('COORDINATOR_NOT_AVAILABLE', memberId)
    if (groupId === '' || Buffer.byteLength(groupId) > MAX_GROUP_ID_BYTES) return joinRefused('INVALID_GROUP_ID', memberId)
    if (sessionTimeoutMs < minSessionTimeoutMs || sessionTimeoutMs > maxSessionTimeoutMs) return joinRefused('INVALID_SESSION_TIMEOUT', memberId)
    const known = this.#groups.get(groupId)
    if (known !== undefined) return join(known, attempt)
    if (this.#groups.size >= maxGroups) return joinRefused('POLICY_VIOLATION', memberId)
    const group = new ClassicGroup(groupId, this.#host)
    const answer = join(group, attempt)
    if (group.members.size + group.members.pendingCount > 0) this.#groups.set(groupId, group)
    return answer
  }

  async sync (request: Request<typeof SyncGroup>): Promise<SyncAnswer> {
    const group = this.#find(request.groupId)
    return typeof group === 'string' ? syncRefused(group) : sync(group, request)
  }

  async heartbeat ({ groupId, memberId, groupInstanceId, generationId }: Request<typeof Heartbeat>): Promise<ErrorName> {
    const group = this.#find(groupId)
    return typeof group === 'string' ? group : heartbeat(group, memberId, groupInstanceId, generationId)
  }

  /** One result for each member, in order; or one for the whole request. */
  async leave (groupId: string, leaving: readonly Leaving[]): Promise<ErrorName | ErrorName[]> {
    const group = this.#find(groupId)
    if (group === 'UNKNOWN_MEMBER_ID') return leaving.map(() => group)
    return typeof group === 'string' ? group : leave(group, leaving)
  }

  /** The group, or what its would-be member is told. */
  #find (groupId: string): ClassicGroup | ErrorName {
    if (!this.#isRunning) return 'COORDINATOR_NOT_AVAILABLE'
    if (groupId === '') return 'INVALID_GROUP_ID'
    return this.#groups.get(groupId) ?? 'UNKNOWN_MEMBER_ID'
  }

  // ---- offsets. An empty group id is as good as any here: Kafka's oldest clients commit under it.

  /**
   * Commits offsets; resolves when they are durable, with one result for each, in order. `unknownGroup` is what a member of
   * a group that does not exist is told.
   */
  async commit (commit: Commit, unknownGroup: ErrorName): Promise<ErrorName[]> {
    if (!this.#isRunning) return commit.offsets.map(() => 'COORDINATOR_NOT_AVAILABLE')
    const offsets = commit.offsets.filter(({ topic, partition }) => this.#partitionExists(topic, partition))
    const results = offsets.length === 0 ? [] : await this.#commit({ ...commit, offsets }, unknownGroup)
    let next = 0
    return commit.offsets.map(offset => offsets[next] === offset ? results[next++]! : 'UNKNOWN_TOPIC_OR_PARTITION')
  }

  async #commit (commit: Commit, unknownGroup: ErrorName): Promise<ErrorName[]> {
    const refuse = (error: ErrorName): ErrorName[] => commit.offsets.map(() => error)
    const known = this.#groups.get(commit.groupId)
    if (known !== undefined) return commitOffsets(known, commit, this.#host)
    if (commit.generationId >= 0) return refuse(unknownGroup)
    if (Buffer.byteLength(commit.groupId) > MAX_GROUP_ID_BYTES) return refuse('INVALID_GROUP_ID')
    if (this.#groups.size >= this.#host.config.maxGroups) return refuse('POLICY_VIOLATION')
    const simple = new ClassicGroup(commit.groupId, this.#host)
    this.#groups.set(commit.groupId, simple)
    return commitOffsets(simple, commit, this.#host)
  }

  /** What a group has committed, durably; null if there is no such group. */
  async offsets (groupId: string): Promise<Offsets | null> {
    return this.#groups.get(groupId)?.offsets ?? null
  }

  // ---- for operators

  /** How many groups there are: for the metrics. */
  get size (): number {
    return this.#groups.size
  }

  async list (): Promise<ClassicGroup[]> {
    return [...this.#groups.values()]
  }

  /** Null if there is no such group. */
  async describe (groupId: string): Promise<ClassicGroup | null> {
    return this.#groups.get(groupId) ?? null
  }

  /** Deletes a group that has no members, with its offsets; resolves when that is durable. */
  async delete (groupId: string): Promise<ErrorName> {
    if (!this.#isRunning) return 'COORDINATOR_NOT_AVAILABLE'
    const group = this.#groups.get(groupId)
    return group === undefined ? 'GROUP_ID_NOT_FOUND' : deleteGroup(this.#groups, group, this.#host)
  }
}
