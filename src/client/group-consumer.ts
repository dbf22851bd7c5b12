/**
 * A consumer of a group, called from outside: subscribed, as a real member that shares partitions with native ones, or with
 * partitions of its own choice. It keeps positions, reads when it is polled, and commits for the group.
 *
 * Every call brings the context of whoever makes it, so permissions and quotas hold for each; what happens between calls is in
 * the name of who made the consumer.
 */
import { errorRow, errors, KafkaError } from '../../protocol/errors.ts'
import { neverAborted, type Context, type Dispatch } from '../../protocol/rpc.ts'
import { conflict, ConsumerError } from './consumer-error.ts'
import { topicError } from './failures.ts'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { deliver, fetchOnce, type Sink, type Target } from './group-fetch.ts'
import { commitOffsets, fetchOffsets, type GroupOffset, type PartitionAt } from './group-offsets.ts'
import { matchingTopics, needTopics, partitionCounts, TopicIds } from './group-topics.ts'
import { defaultTiming, Membership, type MemberTiming, type Reader } from './membership.ts'
import { Patience, Turns } from './patience.ts'
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

export interface PollBounds {
  /** How long to wait for the first record. */
  readonly waitMs: number
  /** What one Fetch asks for. */
  readonly maxBytes: number
}

/** How long a call that needs the assignment waits for a rebalance to end. */
const SETTLE_MS = 10_000
/** One Fetch does not wait longer: whether the caller may still read is asked anew. */
const FETCH_WAIT_MS = 10_000
const STALE_PAUSE_MS = 250
const NOTHING_PAUSE_MS = 1_000
const COMMIT_ATTEMPTS = 4
/** The group has moved on: a commit is good again once the member has, too. */
const MOVED_ON: ReadonlySet<string> = new Set(['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID'])

export class GroupConsumer {
  readonly #dispatch: Dispatch
  readonly #context: Context
  readonly #options: GroupConsumerOptions
  readonly #timing: ConsumerTiming
  readonly #positions = new Positions()
  readonly #topicIds: TopicIds
  readonly #life = new AbortController()
  readonly #turns = new Turns()
  #mode: 'none' | 'topics' | 'pattern' | 'assigned' = 'none'
  #topics: readonly string[] = []
  #matches: (topic: string) => boolean = () => false
  #membership: Membership | null = null
  /** The generation that the positions are of. */
  #generationId = -1
  /** Aborted when what is being read may not be handed out any more, because the assignment or a position is another one. */
  #epoch = new AbortController()
  #turn = 0
  #committedAtMs = Date.now()
  readonly #refreshTimer: NodeJS.Timeout

  /** `context` is the consumer's own: its principal, and the client id that operators see in the group. */
  constructor (dispatch: Dispatch, context: Context, options: GroupConsumerOptions, timing: ConsumerTiming = consumerTiming) {
    this.#dispatch = dispatch
    this.#context = { ...context, signal: this.#life.signal }
    this.#options = options
    this.#timing = timing
    this.#topicIds = new TopicIds(dispatch)
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
    if (this.#mode !== 'none' && this.#mode !== mode) throw conflict(this.#mode)
    const topics = 'topics' in subscription ? [...new Set(subscription.topics)] : await matchingTopics(this.#dispatch, context, subscription.matches)
    if (mode === 'topics') await needTopics(this.#dispatch, context, topics, 'visible')
    this.#check()
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
    if (this.#mode === 'topics' || this.#mode === 'pattern') throw conflict(this.#mode)
    const known = await needTopics(this.#dispatch, context, [...new Set(partitions.map(({ topic }) => topic))], 'there')
    for (const { topic, partition } of partitions) {
      const { partitionCount } = known.get(topic)!
      if (partition >= partitionCount) throw new ConsumerError('no-partition', `Topic ${topic} has no partition ${partition}: it has ${partitionCount}.`)
    }
    this.#check()
    this.#mode = partitions.length === 0 ? 'none' : 'assigned'
    this.#positions.assign(partitions, true)
    this.#interrupt()
    await this.#locate(context).catch(() => {}) // a poll tries once more, and says why not
  }

  // ---- reading

  /**
   * Gives the sink what there is, as soon as there is a record, and waits for one as long as `bounds` say, also while the group
   * rebalances. One poll goes on at a time. Resolves to what takes the records back, for an answer that did not arrive.
   * Rejects with KafkaError and ConsumerError.
   */
  async poll (context: Context, sink: Sink, { waitMs, maxBytes }: PollBounds): Promise<() => void> {
    const deadline = performance.now() + waitMs
    const patience = new Patience(waitMs, context.signal)
    const done = await this.#turns.next(patience).finally(() => patience.release())
    if (done === null) return () => {}
    try {
      return await this.#poll(context, sink, deadline, maxBytes)
    } finally {
      done()
    }
  }

  async #poll (context: Context, sink: Sink, deadline: number, maxBytes: number): Promise<() => void> {
    this.#needSomething()
    await this.#commitFromTimeToTime(context)
    for (let isFirst = true; isFirst || (performance.now() < deadline && !context.signal.aborted); isFirst = false) {
      this.#needSomething()
      const { signal } = this.#epoch
      const leftMs = Math.max(0, deadline - performance.now())
      const patience = new Patience(leftMs, context.signal, signal)
      try {
        if (this.#membership !== null && !await this.#membership.stable(patience.signal)) continue
        await this.#locate(context)
        const takeBack = await this.#read(context, sink, signal, patience, { waitMs: leftMs, maxBytes })
        if (takeBack !== null) return takeBack
      } catch (error) {
        if (!(error instanceof KafkaError) || !errorRow(error.errorCode).retriable || patience.signal.aborted) throw error
        await patience.pass(STALE_PAUSE_MS)
      } finally {
        patience.release()
      }
    }
    return () => {}
  }

  #needSomething (): void {
    this.#check()
    if (this.#mode === 'none') {
      throw new ConsumerError('illegal-state', 'This consumer instance reads nothing yet: POST a subscription or assignments first.')
    }
  }

  /** Null where nothing came. */
  async #read (context: Context, sink: Sink, epoch: AbortSignal, patience: Patience, { waitMs, maxBytes }: PollBounds): Promise<(() => void) | null> {
    const targets = await this.#targets(context)
    if (epoch.aborted) return null
    if (targets.length === 0) {
      await patience.pass(this.#positions.size === 0 ? NOTHING_PAUSE_MS : STALE_PAUSE_MS)
      // Who waits for a topic to be made need not wait for the next look at all topics.
      if (this.#positions.size === 0 && !patience.signal.aborted) await this.#refresh()
      return null
    }
    let count = 0
    const counted: Sink = {
      record: (at, record) => sink.record(at, record) && ++count > 0,
      unreadable: (at, offset, next, error) => sink.unreadable(at, offset, next, error) && ++count > 0
    }
    const maxWaitMs = Math.floor(Math.min(waitMs, FETCH_WAIT_MS))
    // Who does not wait at all is not to be cut off either.
    const signal = waitMs > 0 ? patience.signal : context.signal
    const fetched = await fetchOnce(this.#dispatch, { ...context, signal }, targets, { maxWaitMs, maxBytes, minBytes: this.#options.minBytes })
    if (epoch.aborted) return null
    const from = targets.map(({ position }) => position.next)
    const { isStale, failure } = deliver(fetched, targets, counted)
    if (count > 0) {
      const to = targets.map(({ position }) => position.next)
      return () => targets.forEach(({ position }, i) => {
        if (this.#positions.get(position) === position && position.next === to[i]) position.next = from[i]!
      })
    }
    if (failure !== null) throw failure
    if (isStale) {
      this.#topicIds.clear()
      await patience.pass(STALE_PAUSE_MS)
    }
    return null
  }

  /** In turns, so that a busy partition does not starve the others. */
  async #targets (context: Context): Promise<Target[]> {
    const positions = this.#positions.all.filter(({ next }) => next !== null)
    await this.#topicIds.learn(context, positions.map(({ topic }) => topic))
    const first = positions.length === 0 ? 0 : this.#turn++ % positions.length
    return [...positions.slice(first), ...positions.slice(0, first)].flatMap(position => {
      const topicId = this.#topicIds.get(position.topic)
      return topicId === undefined ? [] : [{ position, topicId }]
    })
  }

  async #locate (context: Context): Promise<void> {
    await this.#positions.locate(this.#dispatch, context, this.#options.groupId, this.#options.reset)
  }

  // ---- positions

  /** Moves partitions; the next records come from there. Rejects with ConsumerError for one that is not assigned, and moves none then. */
  async seek (context: Context, to: readonly (PartitionAt & { readonly offset: number })[]): Promise<void> {
    await this.#settle(context)
    const positions = to.map(at => this.#positions.need(at))
    positions.forEach((position, i) => { position.next = to[i]!.offset })
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

  /**
   * Commits these offsets, each of the next record to be read, or all that was handed out. Resolves when that is durable.
   * Rejects with ConsumerError for a partition that the group has given to another member.
   */
  async commit (context: Context, offsets: readonly GroupOffset[] | null = null): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      await this.#settle(context)
      if (offsets !== null && this.#membership !== null) for (const at of offsets) this.#positions.need(at)
      try {
        return await this.#commit(context, offsets ?? this.#positions.commitable(false))
      } catch (error) {
        if (!(error instanceof KafkaError) || !MOVED_ON.has(error.code)) throw error
        if (this.#membership === null) {
          throw new ConsumerError('illegal-state', `The group ${this.#options.groupId} has members that share out its partitions: ` +
            'who is assigned partitions by hand cannot commit for it meanwhile.')
        }
        if (attempt === COMMIT_ATTEMPTS) throw error
        this.#membership.check()
        const patience = new Patience(STALE_PAUSE_MS, context.signal)
        await patience.pass()
        patience.release()
      }
    }
  }

  async #commit (context: Context, offsets: readonly GroupOffset[]): Promise<void> {
    const { groupId } = this.#options
    await commitOffsets(this.#dispatch, context, this.#membership?.committer ?? { groupId, memberId: '', generationId: -1 }, offsets)
    this.#positions.committed(offsets)
  }

  /** As Kafka's consumers: with a poll, what polls before it have handed out. What fails is tried again by the next one. */
  async #commitFromTimeToTime (context: Context): Promise<void> {
    if (!this.#options.autoCommit || Date.now() - this.#committedAtMs < this.#timing.autoCommitMs) return
    this.#committedAtMs = Date.now()
    await this.#commitNew(context)
  }

  async #commitNew (context: Context): Promise<void> {
    if (this.#membership?.isStable === false) return
    await this.#commit(context, this.#positions.commitable(true)).catch(onlyKafkas)
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
      if (!this.#options.autoCommit) return
      await this.#commit(this.#context, this.#positions.commitable(true)).catch(onlyKafkas)
    },
    lost: () => {
      this.#generationId = -1
      this.#interrupt()
    },
    assigned: (assignment: Assignment, generationId: number) => {
      // Nobody else can have had what was ours in the generation before: what was handed out since the last commit stays so.
      const isNext = this.#generationId !== -1 && generationId === this.#generationId + 1
      this.#generationId = generationId
      this.#positions.assign(Array.from(assignment, ([topic, partitions]) => partitions.map(partition => ({ topic, partition }))).flat(), isNext)
      this.#interrupt()
      // At once, so that "latest" is the end of now and not of the first poll. A poll tries once more, and says why not.
      this.#locate(this.#context).catch(() => {})
    },
    partitionCounts: topics => partitionCounts(this.#dispatch, this.#context, topics)
  }

  async #refresh (): Promise<void> {
    if (this.#mode === 'pattern') {
      const topics = await matchingTopics(this.#dispatch, this.#context, this.#matches)
      if (this.#mode === 'pattern' && topics.join() !== this.#topics.join()) {
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
    const membership = this.#membership
    this.#interrupt()
    if (this.#options.autoCommit) await this.#commitNew({ ...this.#context, signal: neverAborted })
    this.#membership = null
    this.#mode = 'none'
    this.#topics = []
    this.#generationId = -1
    this.#positions.assign([], false)
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

/** For commits that nobody waits for: what is not committed is read again. */
function onlyKafkas (error: unknown): void {
  if (!(error instanceof KafkaError)) throw error
}
