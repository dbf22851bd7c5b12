/**
 * A member of a classic consumer group over Dispatch, as Kafka's own consumers are: it joins, gets its part of the partitions
 * from whoever leads, says now and then that it is there, and joins anew when the group rebalances. Where it leads, it assigns
 * by ranges. So native consumers and those behind the HTTP door share one group.
 *
 * The eager protocol: who joins anew has no partitions until the next generation. It lives by itself, between the calls of
 * whoever reads with it.
 */
import { complete } from '../../protocol/defaults.ts'
import { errorRow, errors, KafkaError } from '../../protocol/errors.ts'
import { JoinGroup } from '../../protocol/messages/11-join-group.ts'
import { Heartbeat } from '../../protocol/messages/12-heartbeat.ts'
import { LeaveGroup } from '../../protocol/messages/13-leave-group.ts'
import { SyncGroup } from '../../protocol/messages/14-sync-group.ts'
import { ConsumerProtocolAssignment, ConsumerProtocolSubscription } from '../../protocol/messages/consumer-protocol.ts'
import { readPayload, writePayload } from '../../protocol/payload.ts'
import { ProtocolError } from '../../protocol/reader.ts'
import { neverAborted, newest, type Context, type Dispatch } from '../../protocol/rpc.ts'
import type { Api, RequestInput, Response } from '../../protocol/schema.ts'
import { failure } from './failures.ts'
import type { Committer } from './group-offsets.ts'
import { Patience } from './patience.ts'
import { assignRange, topicsOf, type Assignment, type Subscriber } from './range.ts'

export interface MemberTiming {
  /** How long the group waits to hear of the member before it goes on without it. */
  readonly sessionTimeoutMs: number
  readonly heartbeatMs: number
  /** How long the group waits for the member to join anew. */
  readonly rebalanceTimeoutMs: number
}

/** Kafka's clients wait up to five minutes for a poll; this member answers by itself, so a short time will do. */
export const defaultTiming: MemberTiming = { sessionTimeoutMs: 10_000, heartbeatMs: 3_000, rebalanceTimeoutMs: 60_000 }

/** Whoever reads with the member. */
export interface Reader {
  /** What it subscribes to now. */
  topics (): readonly string[]
  /** The member is about to join anew: what it has may be given to others. Does not reject. */
  revoking (): Promise<void>
  /** The group went on without the member: whatever it had may have been read by others. */
  lost (): void
  assigned (assignment: Assignment, generationId: number): void
  /** How many partitions topics have; what is not there, or not to be seen, is left out. */
  partitionCounts (topics: readonly string[]): Promise<ReadonlyMap<string, number>>
}

const PROTOCOL_TYPE = 'consumer'
const PROTOCOL = 'range'
/** The first version of both payloads: there is nothing to say that the later ones added. */
const PAYLOAD_VERSION = 0
const MAX_BACKOFF_MS = 5_000
const FIRST_BACKOFF_MS = 100

type State = 'joining' | 'stable' | 'failed' | 'left'

export class Membership {
  readonly #dispatch: Dispatch
  readonly #context: Context
  readonly #groupId: string
  readonly #reader: Reader
  readonly #timing: MemberTiming
  readonly #changes = new Set<() => void>()
  #state: State = 'joining'
  #failure: unknown = null
  #memberId = ''
  #generationId = -1
  /** Where it leads: what it has assigned by, to see whether that has changed. */
  #led: { readonly topics: readonly string[], readonly counts: ReadonlyMap<string, number> } | null = null
  #mustRejoin = false
  #isLeaving = false
  /** Ends the pause between two heartbeats. */
  #wake = new AbortController()
  #living: Promise<void>

  /** Begins to join. `context` is the member's own: its principal, and the client id that operators see. */
  constructor (dispatch: Dispatch, context: Context, groupId: string, reader: Reader, timing: MemberTiming = defaultTiming) {
    this.#dispatch = dispatch
    this.#context = { ...context, signal: neverAborted }
    this.#groupId = groupId
    this.#reader = reader
    this.#timing = timing
    this.#living = this.#live()
  }

  get isStable (): boolean {
    return this.#state === 'stable'
  }

  /** How the member commits. */
  get committer (): Committer {
    return { groupId: this.#groupId, memberId: this.#memberId, generationId: this.#generationId }
  }

  /**
   * Whether the member has its part of the partitions; waits for it until `signal` is aborted. What has failed is tried once
   * more. Rejects with the KafkaError that keeps it out of the group.
   */
  async stable (signal: AbortSignal): Promise<boolean> {
    if (this.#state === 'failed') {
      this.#enter('joining')
      this.#living = this.#live()
    }
    while (this.#state === 'joining' && !signal.aborted) await this.#change(signal)
    // Waiting has changed it.
    if ((this.#state as State) === 'failed') throw this.#failure
    return this.#state === 'stable'
  }

  /** Joins anew: what it subscribes to has changed. */
  rejoin (): void {
    this.#mustRejoin = true
    this.check()
  }

  /** Asks at once how the group is, and not at the next heartbeat. */
  check (): void {
    this.#wake.abort()
  }

  /** A leader whose topics have got other numbers of partitions has to assign anew. Rejects with KafkaError. */
  async checkPartitions (): Promise<void> {
    const led = this.#led
    if (led === null || this.#state !== 'stable') return
    const counts = await this.#reader.partitionCounts(led.topics)
    if (this.#led === led && led.topics.some(topic => counts.get(topic) !== led.counts.get(topic))) this.rejoin()
  }

  /** Says goodbye, so that the others need not wait. Resolves when that is done; what goes wrong then does not matter any more. */
  async leave (): Promise<void> {
    this.#isLeaving = true
    this.check()
    await this.#sayGoodbye()
    await this.#living
    this.#enter('left')
  }

  // ---- its life

  async #live (): Promise<void> {
    let backoffMs = FIRST_BACKOFF_MS
    while (!this.#isLeaving) {
      try {
        await this.#join()
        backoffMs = FIRST_BACKOFF_MS
        await this.#stay()
      } catch (error) {
        if (this.#isLeaving) break
        const cure = cureOf(error)
        if (cure === 'none') return await this.#fail(error)
        if (cure === 'rejoin-as-new') this.#memberId = ''
        if (cure === 'rejoin-as-new' || cure === 'rejoin') this.#reader.lost()
        this.#enter('joining')
        // What a rebalance or a new name mends is mended at once, unless it is not.
        if (cure === 'wait' || backoffMs > FIRST_BACKOFF_MS) await this.#pause(backoffMs)
        backoffMs = Math.min(MAX_BACKOFF_MS, backoffMs * 2)
      }
    }
    // An answer that came after the goodbye may have made it a member.
    await this.#sayGoodbye()
  }

  async #fail (error: unknown): Promise<void> {
    this.#failure = error
    // Who waits is told of this first, and not of the end of what it waited with.
    this.#enter('failed')
    this.#reader.lost()
    await this.#sayGoodbye()
  }

  /** Until the group has assigned something, be it nothing. */
  async #join (): Promise<void> {
    this.#enter('joining')
    this.#mustRejoin = false
    this.#led = null
    await this.#reader.revoking()
    const joined = await this.#joinGroup()
    if (this.#isLeaving) return
    const { generationId, protocolName } = joined
    this.#generationId = generationId
    const assignments = joined.leader === this.#memberId && !joined.skipAssignment ? await this.#assign(joined) : []
    const synced = await this.#ask(SyncGroup, {
      groupId: this.#groupId, generationId, memberId: this.#memberId, protocolType: PROTOCOL_TYPE, protocolName, assignments
    })
    check(SyncGroup, synced.errorCode, this.#groupId)
    if (this.#isLeaving) return
    this.#reader.assigned(partsIn(synced.assignment), generationId)
    this.#enter('stable')
  }

  async #joinGroup (): Promise<Response<typeof JoinGroup>> {
    for (;;) {
      const metadata = writePayload(ConsumerProtocolSubscription, PAYLOAD_VERSION, { topics: this.#reader.topics() })
      const joined = await this.#ask(JoinGroup, {
        groupId: this.#groupId,
        memberId: this.#memberId,
        sessionTimeoutMs: this.#timing.sessionTimeoutMs,
        rebalanceTimeoutMs: this.#timing.rebalanceTimeoutMs,
        protocolType: PROTOCOL_TYPE,
        protocols: [{ name: PROTOCOL, metadata }]
      })
      // KIP-394: the first answer is an id to come back with.
      const isFirst = joined.errorCode === errors.MEMBER_ID_REQUIRED
      if (isFirst || joined.errorCode === errors.NONE) this.#memberId = joined.memberId
      if (isFirst && !this.#isLeaving) continue
      check(JoinGroup, joined.errorCode, this.#groupId)
      return joined
    }
  }

  async #assign ({ members }: Response<typeof JoinGroup>): Promise<{ memberId: string, assignment: Buffer }[]> {
    const subscribers = members.map(({ memberId, groupInstanceId, metadata }): Subscriber =>
      ({ memberId, groupInstanceId, topics: topicsIn(metadata) }))
    const topics = topicsOf(subscribers)
    const counts = await this.#reader.partitionCounts(topics)
    this.#led = { topics, counts }
    return Array.from(assignRange(subscribers, counts), ([memberId, parts]) => ({
      memberId,
      assignment: writePayload(ConsumerProtocolAssignment, PAYLOAD_VERSION, {
        assignedPartitions: Array.from(parts, ([topic, partitions]) => ({ topic, partitions }))
      })
    }))
  }

  /** Until there is a reason to join anew. */
  async #stay (): Promise<void> {
    while (!this.#isLeaving && !this.#mustRejoin) {
      await this.#pause(this.#timing.heartbeatMs)
      if (this.#isLeaving || this.#mustRejoin) return
      const errorCode = await this.#beat()
      if (errorCode === errors.REBALANCE_IN_PROGRESS) return
      // A coordinator that cannot be reached may come back before the session ends.
      if (!errorRow(errorCode).retriable) check(Heartbeat, errorCode, this.#groupId)
    }
  }

  async #beat (): Promise<number> {
    try {
      const { errorCode } = await this.#ask(Heartbeat, { groupId: this.#groupId, generationId: this.#generationId, memberId: this.#memberId })
      return errorCode
    } catch (error) {
      if (error instanceof KafkaError) return error.errorCode
      throw error
    }
  }

  async #pause (ms: number): Promise<void> {
    const patience = new Patience(ms, this.#wake.signal)
    await patience.pass()
    patience.release()
    if (this.#wake.signal.aborted) this.#wake = new AbortController()
  }

  async #sayGoodbye (): Promise<void> {
    const memberId = this.#memberId
    if (memberId === '') return
    this.#memberId = ''
    try {
      await this.#ask(LeaveGroup, { groupId: this.#groupId, members: [{ memberId, reason: 'the consumer is closed' }] })
    } catch {
      // The session ends by itself then. Nobody is there any more to be told, and the policies have counted the error.
    }
  }

  async #ask<A extends Api> (api: A, request: RequestInput<A>): Promise<Response<A>> {
    return await this.#dispatch(api, complete(api.request, request) as never, { ...this.#context, version: newest(api) })
  }

  // ---- its state

  #enter (state: State): void {
    this.#state = state
    for (const tell of [...this.#changes]) tell()
  }

  #change (signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const done = (): void => {
        this.#changes.delete(done)
        signal.removeEventListener('abort', done)
        resolve()
      }
      this.#changes.add(done)
      signal.addEventListener('abort', done)
    })
  }
}

/** What helps against an error. */
function cureOf (error: unknown): 'rejoin-as-new' | 'rejoin' | 'join-again' | 'wait' | 'none' {
  if (!(error instanceof KafkaError)) return 'none'
  switch (error.code) {
    case 'UNKNOWN_MEMBER_ID': return 'rejoin-as-new'
    case 'ILLEGAL_GENERATION': return 'rejoin'
    case 'REBALANCE_IN_PROGRESS': return 'join-again'
    default: return errorRow(error.errorCode).retriable ? 'wait' : 'none'
  }
}

function check (api: Api, errorCode: number, groupId: string): void {
  if (errorCode !== errors.NONE) throw failure(api, errorCode, groupId)
}

/** Members say what they like; one that cannot be understood is given nothing. */
function topicsIn (metadata: Buffer): readonly string[] {
  try {
    return readPayload(ConsumerProtocolSubscription, metadata).topics
  } catch (error) {
    if (error instanceof ProtocolError) return []
    throw error
  }
}

/** A leader may have left a member out. */
function partsIn (assignment: Buffer): Assignment {
  if (assignment.length === 0) return new Map()
  const { assignedPartitions } = readPayload(ConsumerProtocolAssignment, assignment)
  return new Map(assignedPartitions.map(({ topic, partitions }) => [topic, partitions]))
}
