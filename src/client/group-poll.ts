/**
 * How a consumer of a group is polled: one Fetch after the other, until there is a record or the time is over, whatever becomes of
 * the assignment meanwhile.
 */
import { errorRow, KafkaError } from '../../protocol/errors.ts'
import type { Context, Dispatch } from '../../protocol/rpc.ts'
import type { GroupCommits } from './group-commits.ts'
import { deliver, fetchOnce, type Fetched, type Sink, type Target } from './group-fetch.ts'
import { TopicIds } from './group-topics.ts'
import type { Membership } from './membership.ts'
import { Patience, Turns } from './patience.ts'
import type { Positions } from './positions.ts'

export interface PollBounds {
  /** How long to wait for the first record. */
  readonly waitMs: number
  /** What one Fetch asks for. */
  readonly maxBytes: number
}

/** Whose partitions are read. */
export interface Polled {
  readonly positions: Positions
  readonly commits: GroupCommits
  readonly minBytes: number
  /** Null where partitions are chosen by hand. */
  readonly membership: () => Membership | null
  /** Aborted when what is being read may not be handed out any more, because the assignment or a position is another one. */
  readonly epoch: () => AbortSignal
  /** Begins the next epoch. */
  readonly interrupt: () => void
  /** Throws ConsumerError where there is nothing to be read, or nobody to read it any more. */
  readonly check: () => void
  /** Finds out where to begin. Rejects with KafkaError and ConsumerError. */
  readonly locate: (context: Context) => Promise<void>
  /** Looks for topics and partitions that are new. */
  readonly refresh: () => Promise<void>
}

/** How much later than asked for an answer may come: a cluster is further away than a log of our own. */
const LATE_MS = 1_000
/** One Fetch does not wait longer: whether the caller may still read is asked anew. */
const FETCH_WAIT_MS = 10_000
const STALE_PAUSE_MS = 250
const NOTHING_PAUSE_MS = 1_000

/** What one Fetch has brought for which partitions. */
interface Catch {
  readonly targets: readonly Target[]
  readonly fetched: Fetched
}

export class GroupPoll {
  readonly #dispatch: Dispatch
  readonly #polled: Polled
  readonly #topicIds: TopicIds
  readonly #turns = new Turns()
  #turn = 0

  constructor (dispatch: Dispatch, polled: Polled) {
    this.#dispatch = dispatch
    this.#polled = polled
    this.#topicIds = new TopicIds(dispatch)
  }

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
    this.#polled.check()
    await this.#polled.commits.fromTimeToTime(context)
    for (let isFirst = true; isFirst || (performance.now() < deadline && !context.signal.aborted); isFirst = false) {
      this.#polled.check()
      const signal = this.#polled.epoch()
      const leftMs = Math.max(0, deadline - performance.now())
      const patience = new Patience(leftMs, context.signal, signal)
      try {
        const come = await this.#fetch(context, signal, patience, { waitMs: leftMs, maxBytes })
        if (come === null || signal.aborted) continue
        const takeBack = await this.#give(come, sink, patience)
        if (takeBack !== null) return takeBack
      } finally {
        patience.release()
      }
    }
    return () => {}
  }

  /** Null where there is nothing to be asked for, and where asking failed in a way that passes while there is time left. */
  async #fetch (context: Context, epoch: AbortSignal, patience: Patience, { waitMs, maxBytes }: PollBounds): Promise<Catch | null> {
    try {
      const membership = this.#polled.membership()
      if (membership !== null && !await membership.stable(patience.signal)) return null
      this.#polled.commits.beginAnew()
      await this.#polled.locate(context)
      const targets = await this.#targets(context)
      if (epoch.aborted) return null
      if (targets.length === 0) {
        await patience.pass(this.#polled.positions.size === 0 ? NOTHING_PAUSE_MS : STALE_PAUSE_MS)
        // Who waits for a topic to be made need not wait for the next look at all topics.
        if (this.#polled.positions.size === 0 && !patience.signal.aborted) await this.#polled.refresh()
        return null
      }
      const fetched = await this.#fetchWithin(context, epoch, targets, { waitMs, maxBytes })
      return fetched === null ? null : { targets, fetched }
    } catch (error) {
      if (!(error instanceof KafkaError) || !errorRow(error.errorCode).retriable) throw error
      // What is wrong with what is not read any more is no reason to end; that there is no time left is one.
      if (patience.signal.aborted && !epoch.aborted) throw error
      await patience.pass(STALE_PAUSE_MS)
      return null
    }
  }

  /** The log ends the wait in time; who does not wait at all is not to be cut off either. Null where nobody waits any longer. */
  async #fetchWithin (context: Context, epoch: AbortSignal, targets: readonly Target[], { waitMs, maxBytes }: PollBounds): Promise<Fetched | null> {
    const maxWaitMs = Math.floor(Math.min(waitMs, FETCH_WAIT_MS))
    const patience = new Patience(maxWaitMs + LATE_MS, context.signal, epoch)
    const { signal } = patience
    try {
      return await fetchOnce(this.#dispatch, { ...context, signal }, targets, { maxWaitMs, maxBytes, minBytes: this.#polled.minBytes })
    } catch (error) {
      // A log of our own answers with what there is, and a cluster with nothing at all.
      if (signal.aborted && error === signal.reason) return null
      throw error
    } finally {
      patience.release()
    }
  }

  /** Null where nothing was handed out. What the sink throws ends the poll, and nothing was handed out then either. */
  async #give ({ targets, fetched }: Catch, sink: Sink, patience: Patience): Promise<(() => void) | null> {
    let count = 0
    const counted: Sink = {
      record: (at, record) => sink.record(at, record) && ++count > 0,
      unreadable: (at, offset, next, error) => sink.unreadable(at, offset, next, error) && ++count > 0
    }
    const from = targets.map(({ position }) => position.next)
    const { isStale, failure } = deliver(fetched, targets, counted)
    if (count > 0) return this.#takeBack(targets, from)
    if (failure !== null) throw failure
    if (isStale) {
      this.#topicIds.clear()
      await patience.pass(STALE_PAUSE_MS)
    }
    return null
  }

  /** What takes back, once, what was handed out from there, unless the assignment or a position is another one by then. */
  #takeBack (targets: readonly Target[], from: readonly (number | null)[]): () => void {
    const moved = targets.flatMap(({ position }, i) => {
      const first = from[i] ?? null
      return first === null || position.next === null || position.next === first ? [] : [{ position, first }]
    })
    return () => {
      for (const { position, first } of moved.splice(0)) {
        if (position.next === null || position.next <= first || !this.#polled.positions.isCurrent(position)) continue
        // Should another poll have handed out more since, that is handed out once more: twice is better than never.
        position.next = first
        // A poll that waits has asked for what comes behind it.
        this.#polled.interrupt()
      }
    }
  }

  /** In turns, so that a busy partition does not starve the others. */
  async #targets (context: Context): Promise<Target[]> {
    const positions = this.#polled.positions.all.filter(({ next }) => next !== null)
    await this.#topicIds.learn(context, positions.map(({ topic }) => topic))
    const first = positions.length === 0 ? 0 : this.#turn++ % positions.length
    return [...positions.slice(first), ...positions.slice(0, first)].flatMap(position => {
      const topicId = this.#topicIds.get(position.topic)
      return topicId === undefined ? [] : [{ position, topicId }]
    })
  }
}
