/**
 * Long polls at several brokers for one client, which believes that it asks one. Whoever has something first ends the wait;
 * the polls at the others stay where they are, and count for the client's next request if it asks for the same places. So
 * nothing is read twice, no connection is torn down, and a broker that is slow delays nobody else's partitions.
 */
import type { Response } from '../../protocol/schema.ts'
import type { Fetch } from '../../protocol/messages/01-fetch.ts'
import type { Broker } from './broker.ts'
import { Line } from './line.ts'
import type { UpstreamIdentity } from './upstream.ts'

export type FetchResponse = Response<typeof Fetch>
export type FetchedPartition = FetchResponse['responses'][number]['partitions'][number]

/** One place of one partition, as text that is the same when the same is asked for. */
export type Place = string

/** One Fetch at one broker. */
export interface Poll {
  readonly broker: Broker
  /** What makes two polls different besides their places: version, isolation level. */
  readonly kind: string
  readonly places: ReadonlySet<Place>
  /** Null while it waits. */
  answers: Map<Place, FetchedPartition> | null
  /** A fault of ours, for whoever asks for a place of it next. */
  fault: Error | null
  /** Null where nothing is asked. */
  readonly slot: Line | null
  readonly startedAt: number
}

/** Polls of one client that may wait at one broker at the same time. */
const MAX_SLOTS = 3
/** A client that follows more partitions at a time is told once more that nothing is new. */
const MAX_ENDS = 20_000

/** What is known of the end of a partition, for answers that say that nothing new is there. */
export interface PartitionEnd {
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
}

export class Polls {
  readonly #identity: UpstreamIdentity
  #polls: Poll[] = []
  readonly #slots = new Map<Broker, Line[]>()
  /** By topic and partition. */
  readonly ends = new Map<string, PartitionEnd>()
  #onSettled: (() => void) | null = null
  #closed = false

  constructor (identity: UpstreamIdentity) {
    this.#identity = identity
  }

  /** Whether a poll waits for an answer to this place. */
  pending (broker: Broker, kind: string, place: Place): Poll | undefined {
    return this.#polls.find(poll => poll.answers === null && poll.broker === broker && poll.kind === kind && poll.places.has(place))
  }

  /** What was answered to a place, once. Throws what was wrong with the asking. */
  take (broker: Broker, kind: string, place: Place): FetchedPartition | undefined {
    for (const poll of this.#polls) {
      if (poll.broker !== broker || poll.kind !== kind) continue
      if (poll.fault !== null && poll.places.has(place)) {
        this.#polls = this.#polls.filter(one => one !== poll)
        throw poll.fault
      }
      const answer = poll.answers?.get(place)
      if (answer === undefined) continue
      poll.answers!.delete(place)
      if (poll.answers!.size === 0) this.#polls = this.#polls.filter(one => one !== poll)
      return answer
    }
    return undefined
  }

  /** An answer that could not be used for once: it is there for the next request. */
  keep (broker: Broker, kind: string, place: Place, answer: FetchedPartition): void {
    this.#polls.push({ broker, kind, places: new Set([place]), answers: new Map([[place, answer]]), fault: null, slot: null, startedAt: performance.now() })
  }

  /** Answers that nobody has asked for this time are forgotten; so nothing piles up. */
  keepOnly (places: ReadonlySet<Place>): void {
    this.#polls = this.#polls.filter(({ answers }) => answers === null || answers.keys().some(place => places.has(place)))
    if (this.ends.size > MAX_ENDS) this.ends.clear()
  }

  /** Starts one. `ask` sends on the line that it is given; its failure is an answer, too. */
  start (broker: Broker, kind: string, places: ReadonlySet<Place>, ask: (line: Line) => Promise<Map<Place, FetchedPartition>>): Poll {
    const slot = this.#slot(broker)
    const poll: Poll = { broker, kind, places, answers: null, fault: null, slot, startedAt: performance.now() }
    this.#polls.push(poll)
    const settle = (answers: Map<Place, FetchedPartition>, fault: Error | null): void => {
      poll.answers = answers
      poll.fault = fault
      this.#onSettled?.()
    }
    // Nobody waits for it here: what was thrown would end the process.
    ask(slot).then(answers => settle(answers, null), error => settle(new Map(), error as Error))
    return poll
  }

  /** Until some poll has an answer, for at most so many ms. Rejects with the signal's reason. */
  async settled (ms: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, ms)
    const aborted = (): void => reject(signal.reason as Error)
    signal.addEventListener('abort', aborted)
    this.#onSettled = resolve
    try {
      signal.throwIfAborted()
      await promise
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', aborted)
      this.#onSettled = null
    }
  }

  /** A line on which nothing waits; where there is none, that of the oldest poll, which is given up. */
  #slot (broker: Broker): Line {
    let slots = this.#slots.get(broker)
    if (slots === undefined) this.#slots.set(broker, slots = [])
    const waiting = this.#polls.filter(poll => poll.broker === broker && poll.answers === null)
    const free = slots.find(slot => !waiting.some(poll => poll.slot === slot))
    if (free !== undefined) return free
    if (slots.length >= MAX_SLOTS) {
      const [oldest] = waiting
      this.#polls = this.#polls.filter(poll => poll !== oldest)
      const { slot } = oldest!
      slot!.close()
      slots.splice(slots.indexOf(slot!), 1)
    }
    const line = new Line(this.#identity)
    if (this.#closed) line.close()
    slots.push(line)
    return line
  }

  close (): void {
    this.#closed = true
    for (const slots of this.#slots.values()) for (const slot of slots) slot.close()
    this.#slots.clear()
    this.#polls = []
  }

  tick (now: number): void {
    for (const slots of this.#slots.values()) for (const slot of slots) slot.tick(now)
  }
}
