/**
 * A consumer of a group, called from outside: subscribed, as a real member that shares partitions with native ones, or with
 * partitions of its own choice. It keeps positions, reads when it is polled, and commits for the group.
 *
 * Every call brings the context of whoever makes it, so permissions and quotas hold for each; what happens between calls is in
 * the name of who made the consumer.
 */
import { errors, KafkaError } from '../../protocol/errors.ts'
import { neverAborted, type Context, type Dispatch } from '../../protocol/rpc.ts'
import { conflict, ConsumerError } from './consumer-error.ts'
import { topicError } from './failures.ts'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { GroupCommits } from './group-commits.ts'
import type { Sink } from './group-fetch.ts'
import { fetchOffsets, type GroupOffset, type PartitionAt } from './group-offsets.ts'
import { GroupPoll, type PollBounds } from './group-poll.ts'
import { matchingTopics, needTopics, partitionCounts } from './group-topics.ts'
import { defaultTiming, Membership, type MemberTiming, type Reader } from './membership.ts'
import { Patience } from './patience.ts'
import { Positions, type Reset } from './positions.ts'
import type { Assignment } from './range.ts'
import { offsetsAt } from './start.ts'

export interface GroupConsumerOptions {
  readonly groupId: string
  readonly reset: Reset
  /** Commit from time to time what was handed out before. */
  readonly autoCommit: boolean
  readonly minBytes: number
}

export interface ConsumerTiming extends MemberTiming {
  /** How often new topics and partitions are looked for. */
  readonly refreshMs: number
  readonly autoCommitMs: number
}

export const consumerTiming: ConsumerTiming = { ...defaultTiming, refreshMs: 30_000, autoCommitMs: 5_000 }

/** Either topics by name, or which of all topics: looked at anew now and then. */
export type Subscription = { readonly topics: readonly string[] } | { readonly matches: (topic: string) => boolean }

/** How long a call that needs the assignment waits for a rebalance to end. */
const SETTLE_MS = 10_000

export class GroupConsumer {
  readonly #dispatch: Dispatch
  readonly #context: Context
  readonly #options: GroupConsumerOptions
  readonly #timing: ConsumerTiming
  readonly #positions = new Positions()
  readonly #commits: GroupCommits
  readonly #poll: GroupPoll
  readonly #life = new AbortController()
  #mode: 'none' | 'topics' | 'pattern' | 'assigned' = 'none'
  #topics: readonly string[] = []
  #matches: (topic: string) => boolean = () => false
  #membership: Membership | null = null
  /** The generation that the positions are of. */
  #generationId = -1
  /** Aborted when what is being read may not be handed out any more, because the assignment or a position is another one. */
  #epoch = new AbortController()
  readonly #refreshTimer: NodeJS.Timeout

  /** `context` is the consumer's own: its principal, and the client id that operators see in the group. */
  constructor (dispatch: Dispatch, context: Context, options: GroupConsumerOptions, timing: ConsumerTiming = consumerTiming) {
    this.#dispatch = dispatch
    this.#context = { ...context, signal: this.#life.signal }
    this.#options = options
    this.#timing = timing
    this.#commits = new GroupCommits(dispatch, {
      groupId: options.groupId,
      positions: this.#positions,
      autoCommitMs: options.autoCommit ? timing.autoCommitMs : null,
      membership: () => this.#membership,
      settle: context => this.#settle(context)
    })
    this.#poll = new GroupPoll(dispatch, {
      positions: this.#positions,
      commits: this.#commits,
      minBytes: options.minBytes,
      membership: () => this.#membership,
      epoch: () => this.#epoch.signal,
      interrupt: () => this.#interrupt(),
      check: () => this.#needSomething(),
      locate: context => this.#locate(context),
      refresh: () => this.#refresh()
    })
    this.#refreshTimer = setInterval(() => { this.#refresh().catch(() => {}) }, timing.refreshMs).unref()
  }

  // ---- what it reads

  get topics (): readonly string[] {
    return this.#topics
  }

  /** What it has now; while the group rebalances, what it had before. */
  get assignment (): PartitionAt[] {
    return this.#positions.all.map(({ topic, partition }) => ({ topic, partition }))
  }

  /**
   * Takes part in the group with these topics instead of those before. Topics that are not there yet are read once they are.
   * Rejects with KafkaError for one that may not be described, with ConsumerError where partitions were assigned.
   */
  async subscribe (context: Context, subscription: Subscription): Promise<void> {
    this.#check()
    const mode = 'topics' in subscription ? 'topics' : 'pattern'
    const checkMode = (): void => {
      if (this.#mode !== 'none' && this.#mode !== mode) throw conflict(this.#mode)
    }
    checkMode()
    const topics = 'topics' in subscription ? [...new Set(subscription.topics)] : await matchingTopics(this.#dispatch, context, subscription.matches)
    if (mode === 'topics') await needTopics(this.#dispatch, context, topics, 'visible')
    this.#check()
    checkMode() // another call may have been quicker
    this.#mode = mode
    if ('matches' in subscription) this.#matches = subscription.matches
    this.#topics = topics
    if (this.#membership === null) this.#membership = new Membership(this.#dispatch, this.#context, this.#options.groupId, this.#reader, this.#timing)
    else this.#membership.rejoin()
  }

  /** Ends a subscription or an assignment. */
  async unsubscribe (): Promise<void> {
    this.#check()
    await this.#end()
  }

  /** Reads these partitions, without a say of the group. Rejects as `subscribe`, and for partitions that are not there. */
  async assign (context: Context, partitions: readonly PartitionAt[]): Promise<void> {
    this.#check()
    this.#checkByHand()
    const known = await needTopics(this.#dispatch, context, [...new Set(partitions.map(({ topic }) => topic))], 'there')
    for (const { topic, partition } of partitions) {
      const { partitionCount } = known.get(topic)!
      if (partition >= partitionCount) throw new ConsumerError('no-partition', `Topic ${topic} has no partition ${partition}: it has ${partitionCount}.`)
    }
    this.#check()
    this.#checkByHand() // another call may have been quicker
    this.#mode = partitions.length === 0 ? 'none' : 'assigned'
    this.#positions.assign(partitions, true)
    this.#interrupt()
    await this.#locate(context).catch(() => {}) // a poll tries once more, and says why not
  }

  #checkByHand (): void {
    if (this.#mode === 'topics' || this.#mode === 'pattern') throw conflict(this.#mode)
  }

  // ---- reading

  /**
   * Gives the sink what there is, as soon as there is a record, and waits for one as long as `bounds` say, also while the group
   * rebalances. One poll goes on at a time. Resolves to what takes the records back, for an answer that did not arrive.
   * Rejects with KafkaError and ConsumerError.
   */
  async poll (context: Context, sink: Sink, bounds: PollBounds): Promise<() => void> {
    return await this.#poll.poll(context, sink, bounds)
  }

  #needSomething (): void {
    this.#check()
    if (this.#mode === 'none') {
      throw new ConsumerError('illegal-state', 'This consumer instance reads nothing yet: POST a subscription or assignments first.')
    }
  }

  async #locate (context: Context): Promise<void> {
    await this.#positions.locate(this.#dispatch, context, this.#options.groupId, this.#options.reset)
  }

  // ---- positions

  /** Moves partitions; the next records come from there. Rejects with ConsumerError for one that is not assigned, and moves none then. */
  async seek (context: Context, to: readonly (PartitionAt & { readonly offset: number })[]): Promise<void> {
    await this.#settle(context)
    const positions = to.map(at => this.#positions.need(at))
    positions.forEach((position, i) => this.#positions.seek(position, to[i]!.offset))
    this.#interrupt()
  }

  /** The same for the first record that is not older than each timestamp, in ms since the epoch, or an end of the log. */
  async seekToTime (context: Context, to: readonly (PartitionAt & { readonly timestamp: number })[]): Promise<void> {
    await this.#settle(context)
    for (const at of to) this.#positions.need(at)
    const found: (PartitionAt & { offset: number })[] = []
    for (const { topic, partition, timestamp } of to) {
      const offset = (await offsetsAt(this.#dispatch, context, topic, [partition], timestamp)).get(partition)
      if (offset === undefined) throw topicError(Metadata, errors.UNKNOWN_TOPIC_OR_PARTITION, topic)
      found.push({ topic, partition, offset })
    }
    await this.seek(context, found)
  }

  /** What is committed of these partitions, or of all that are assigned. */
  async committed (context: Context, partitions?: readonly PartitionAt[]): Promise<GroupOffset[]> {
    if (partitions === undefined) await this.#settle(context)
    return await fetchOffsets(this.#dispatch, context, this.#options.groupId, partitions ?? this.assignment)
  }

  /** Commits these offsets, each of the next record to be read, or all that was handed out. Resolves and rejects as GroupCommits. */
  async commit (context: Context, offsets: readonly GroupOffset[] | null = null): Promise<void> {
    await this.#commits.commit(context, offsets)
  }

  /** Waits for a rebalance that goes on. Rejects with KafkaError REBALANCE_IN_PROGRESS where it takes too long. */
  async #settle (context: Context): Promise<void> {
    this.#check()
    if (this.#membership === null) return
    const patience = new Patience(SETTLE_MS, context.signal, this.#life.signal)
    try {
      const isStable = await this.#membership.stable(patience.signal)
      this.#check()
      if (!isStable) throw new KafkaError('REBALANCE_IN_PROGRESS', `The group ${this.#options.groupId} is rebalancing: try again in a moment.`)
    } finally {
      patience.release()
    }
  }

  // ---- as a member

  readonly #reader: Reader = {
    topics: () => this.#topics,
    revoking: async () => {
      this.#interrupt()
      await this.#commits.beforeRevoking(this.#context)
    },
    lost: () => {
      this.#generationId = -1
      this.#interrupt()
    },
    assigned: (assignment: Assignment, generationId: number) => {
      // Nobody else can have had what was ours in the generation before: what was handed out since the last commit stays so.
      const isNext = this.#generationId !== -1 && generationId === this.#generationId + 1
      this.#generationId = generationId
      if (!isNext) this.#commits.lose()
      this.#positions.assign(Array.from(assignment, ([topic, partitions]) => partitions.map(partition => ({ topic, partition }))).flat(), isNext)
      this.#interrupt()
      // At once, so that "latest" is the end of now and not of the first poll. A poll tries once more, and says why not.
      this.#locate(this.#context).catch(() => {})
    },
    partitionCounts: topics => partitionCounts(this.#dispatch, this.#context, topics)
  }

  async #refresh (): Promise<void> {
    if (this.#mode === 'pattern') {
      const matches = this.#matches
      const topics = await matchingTopics(this.#dispatch, this.#context, matches)
      if (this.#mode === 'pattern' && matches === this.#matches && topics.join() !== this.#topics.join()) {
        this.#topics = topics
        this.#membership?.rejoin()
        return
      }
    }
    await this.#membership?.checkPartitions()
  }

  // ---- the end

  #interrupt (): void {
    this.#epoch.abort()
    this.#epoch = new AbortController()
  }

  #check (): void {
    if (this.#life.signal.aborted) throw new ConsumerError('closed', 'Consumer instance not found.')
  }

  async #end (): Promise<void> {
    this.#interrupt()
    await this.#commits.atTheEnd({ ...this.#context, signal: neverAborted })
    // Not the one of before the commit: another call may have ended that one meanwhile, and begun this one.
    const membership = this.#membership
    this.#membership = null
    this.#mode = 'none'
    this.#topics = []
    this.#generationId = -1
    this.#positions.assign([], false)
    this.#commits.beginAnew()
    this.#interrupt()
    await membership?.leave()
  }

  /** Commits what was handed out, if it is to do that by itself, and leaves the group. Polls that wait are told. */
  async close (): Promise<void> {
    if (this.#life.signal.aborted) return
    clearInterval(this.#refreshTimer)
    this.#life.abort()
    await this.#end()
  }
}
