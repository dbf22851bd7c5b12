/**
 * One Fetch of a client, answered by several brokers: with polls that stay where they are (`polls.ts`) where it came in by a
 * connection, with short waits where it did not.
 */
import { errors } from '../../protocol/errors.ts'
import type { Fetch } from '../../protocol/messages/01-fetch.ts'
import type { ResponseInput } from '../../protocol/schema.ts'
import type { Broker } from './broker.ts'
import {
  answerWith, byPlace, empty, endKey, failure, isNews, placeOf, sizeOf, splitting, type FetchRequest, type Partition, type Topic
} from './fetched.ts'
import { Limit } from './limit.ts'
import { askLeader, UNANSWERED } from './leader-fetch.ts'
import type { Share } from './partitions.ts'
import type { FetchedPartition, Place, Poll } from './polls.ts'
import type { Caller } from './pool.ts'
import { failedBy, type Call, type Failed } from './route.ts'

/** At a broker for which others wait, in the name of callers that have no connection of their own. */
const SLICE_MS = 250
/** How much longer than asked for a request waits for brokers that it has asked itself. */
const GRACE_MS = 1000

/** One request of a client, answered by several brokers. */
export class Round {
  readonly #request: FetchRequest
  readonly #shares: readonly Share<Topic, Partition>[]
  /** Whoever asks for something that nobody leads is not kept waiting. */
  readonly #maxWaitMs: number
  readonly #call: Call
  readonly #answers = new Map<Partition, FetchedPartition>()
  /** Polls that do not wait for anything to come. */
  readonly #prompt = new Set<Poll>()
  /** Places that a poll was started for. */
  readonly #asked = new Set<Place>()
  #bytes = 0
  #failed = false

  constructor (request: FetchRequest, shares: readonly Share<Topic, Partition>[], lost: ReadonlyMap<Partition, Failed>, call: Call) {
    this.#request = request
    this.#shares = shares
    this.#maxWaitMs = lost.size > 0 || request.minBytes <= 0 ? 0 : request.maxWaitMs
    this.#call = call
    for (const [partition, failed] of lost) this.#answers.set(partition, failure(partition.partition, failed))
  }

  async run (): Promise<ResponseInput<typeof Fetch>> {
    if (this.#call.polls === null) await this.#ask()
    else await this.#poll()
    // Each broker kept to the limit; together they may have gone beyond it.
    const limit = this.#bytes > this.#request.maxBytes ? new Limit(this.#request.maxBytes) : null
    const brokers = limit === null ? null : new Map(this.#each().map(({ broker, partition }) => [partition, broker]))
    return answerWith(this.#request, (topic, partition) => {
      const answer = this.#answers.get(partition)
      if (answer === undefined) return this.#quiet(topic, partition)
      if (limit === null) return answer
      const cut = limit.cut(answer)
      // It waits for the client's next request, or a partition whose turn it is then would not have come back yet.
      if (sizeOf(cut) === 0 && sizeOf(answer) > 0) this.#call.polls?.keep(brokers!.get(partition)!, this.#kind, placeOf(topic, partition), answer)
      return cut
    })
  }

  get #isDone (): boolean {
    return this.#failed || this.#bytes >= Math.min(this.#request.minBytes, this.#request.maxBytes)
  }

  /** With polls that stay. */
  async #poll (): Promise<void> {
    const polls = this.#call.polls!
    const startedAt = performance.now()
    const deadline = startedAt + this.#maxWaitMs
    const started = new Set<Poll>()
    polls.keepOnly(new Set(this.#each().map(({ place }) => place)))
    for (let round = 0; ; round++) {
      this.#take()
      // Those that were asked for what is there now answer at once, too.
      for (const poll of this.#prompt) if (poll.answers !== null) this.#prompt.delete(poll)
      if (this.#isDone) {
        // What lay ready is enough; the others are asked all the same, for the next request, or they would never have their turn.
        if (round === 0) for (const share of this.#shares) this.#pending(share, Math.max(0, deadline - performance.now()), started)
        if (this.#prompt.size === 0) return
        if (performance.now() > startedAt + GRACE_MS) return
        await polls.settled(GRACE_MS, this.#call.context.signal)
        continue
      }
      const leftMs = deadline - performance.now()
      const pending = new Set(this.#shares.flatMap(share => this.#pending(share, Math.max(0, leftMs), started)))
      if (pending.size === 0) return
      // A poll of an earlier request has waited long enough; one of this request is given the time to come back.
      const isOurs = [...pending].some(poll => started.has(poll))
      const patienceMs = isOurs ? leftMs + GRACE_MS : leftMs
      if (patienceMs <= 0) return
      await polls.settled(patienceMs, this.#call.context.signal)
    }
  }

  get #kind (): string {
    return `${this.#call.context.version} ${this.#request.isolationLevel}`
  }

  #each (): { broker: Broker, topic: Topic, partition: Partition, place: Place }[] {
    return this.#shares.flatMap(({ broker, topics }) => [...topics].flatMap(([topic, partitions]) =>
      partitions.map(partition => ({ broker, topic, partition, place: placeOf(topic, partition) }))))
  }

  /** What has come for any place that is asked for. */
  #take (): void {
    const polls = this.#call.polls!
    for (const { broker, partition, place } of this.#each()) {
      const answer = polls.take(broker, this.#kind, place)
      // An answer without news ends nothing: while there is time, the place is asked for again.
      if (answer !== undefined && isNews(answer)) this.#answer(partition, answer)
    }
  }

  /** How many bytes of a share have come, and of how many its broker has to tell: if each has less than that, all together have too few. */
  #wantedOf ({ topics }: Share<Topic, Partition>): { have: number, minBytes: number } {
    let have = 0
    for (const partitions of topics.values()) {
      for (const partition of partitions) {
        const answer = this.#answers.get(partition)
        if (answer !== undefined) have += sizeOf(answer)
      }
    }
    const missing = Math.max(0, this.#request.minBytes - this.#bytes)
    return { have, minBytes: have + Math.ceil(missing / this.#shares.length) }
  }

  /** The polls that wait for the places of a share, after one was started for those that have none. */
  #pending (share: Share<Topic, Partition>, waitMs: number, started: Set<Poll>): Poll[] {
    const polls = this.#call.polls!
    const { broker, topics } = share
    const { have, minBytes } = this.#wantedOf(share)
    const pending = new Set<Poll>()
    const missing = new Map<Place, { topic: Topic, partition: Partition }>()
    for (const [topic, partitions] of topics) {
      for (const partition of partitions) {
        // What has come is too little, so its broker is asked again, for more.
        if (this.#answers.has(partition) && (have === 0 || waitMs === 0 || this.#isDone)) continue
        const place = placeOf(topic, partition)
        const poll = polls.pending(broker, this.#kind, place)
        if (poll !== undefined) pending.add(poll)
        else if (waitMs > 0 || !this.#asked.has(place)) missing.set(place, { topic, partition })
      }
    }
    if (missing.size === 0) return [...pending]
    for (const place of missing.keys()) this.#asked.add(place)
    const part = [...missing.values()]
    // Of a partition whose end is not known nothing could be said; so its first answer does not wait.
    const isNew = part.some(({ topic, partition }) => !polls.ends.has(endKey(topic, partition.partition)))
    const poll = polls.start(broker, this.#kind, new Set(missing.keys()), line => this.#once(broker, part, isNew ? 0 : waitMs, minBytes, line))
    started.add(poll)
    if (isNew || waitMs === 0) this.#prompt.add(poll)
    return [...pending, poll]
  }

  /** For callers that have no connection of their own: what there is now, or else short waits at all brokers. */
  async #ask (): Promise<void> {
    const { signal } = this.#call.context
    const deadline = performance.now() + this.#maxWaitMs
    for (let waitMs = 0; ; waitMs = Math.min(SLICE_MS, deadline - performance.now())) {
      signal.throwIfAborted()
      const { promise, resolve } = Promise.withResolvers<void>()
      const asked = this.#shares.map(async share => {
        const part = [...share.topics].flatMap(([topic, partitions]) => partitions.map(partition => ({ topic, partition })))
        const answers = await this.#once(share.broker, part, Math.max(0, waitMs), this.#wantedOf(share).minBytes, this.#call.caller)
        for (const { topic, partition } of part) {
          const answer = answers.get(placeOf(topic, partition))
          if (answer !== undefined) this.#answer(partition, answer)
        }
        if (waitMs > 0 && this.#isDone) resolve()
      })
      const timer = setTimeout(resolve, waitMs + GRACE_MS)
      await Promise.race([promise, Promise.all(asked)])
      clearTimeout(timer)
      if (this.#isDone || performance.now() >= deadline) return
    }
  }

  async #once (
    broker: Broker, part: readonly { topic: Topic, partition: Partition }[], waitMs: number, minBytes: number, caller: Caller
  ): Promise<Map<Place, FetchedPartition>> {
    const request = this.#part(part, waitMs, minBytes)
    try {
      const answers = byPlace(await askLeader(broker, request, this.#call, caller), request)
      // As they come: what is taken later may be older.
      for (const { topic, partition } of part) this.#remember(topic, answers.get(placeOf(topic, partition)))
      return answers
    } catch (error) {
      const failed = failedBy(error, UNANSWERED)
      this.#call.router.cluster.suspect(request.topics.map(splitting.topicOf))
      return new Map(part.map(({ topic, partition }) => [placeOf(topic, partition), failure(partition.partition, failed)]))
    }
  }

  #part (part: readonly { topic: Topic, partition: Partition }[], waitMs: number, minBytes: number): FetchRequest {
    const topics = new Map<Topic, Partition[]>()
    for (const { topic, partition } of part) {
      const own = topics.get(topic)
      if (own === undefined) topics.set(topic, [partition])
      else own.push(partition)
    }
    return {
      ...this.#request, maxWaitMs: Math.ceil(waitMs), minBytes, topics: [...topics].map(([topic, partitions]) => ({ ...topic, partitions }))
    }
  }

  #answer (partition: Partition, answer: FetchedPartition): void {
    const before = this.#answers.get(partition)
    if (before !== undefined) this.#bytes -= sizeOf(before)
    this.#answers.set(partition, answer)
    if (answer.errorCode !== errors.NONE || answer.divergingEpoch.epoch >= 0) this.#failed = true
    this.#bytes += sizeOf(answer)
  }

  #remember (topic: Topic, answer: FetchedPartition | undefined): void {
    if (answer === undefined || answer.errorCode !== errors.NONE) return
    const { partitionIndex, highWatermark, lastStableOffset, logStartOffset } = answer
    this.#call.polls?.ends.set(endKey(topic, partitionIndex), { highWatermark, lastStableOffset, logStartOffset })
  }

  /** Nothing new, as far as we have heard. */
  #quiet (topic: Topic, { partition }: Partition): FetchedPartition {
    const { polls } = this.#call
    const end = polls?.ends.get(endKey(topic, partition))
    // A broker that has said nothing of it yet, not even in time, does not lead it as far as the client is concerned.
    if (polls !== null && end === undefined) return failure(partition, { errorCode: errors.NOT_LEADER_OR_FOLLOWER, errorMessage: '' })
    return { ...empty(partition), ...end }
  }
}
