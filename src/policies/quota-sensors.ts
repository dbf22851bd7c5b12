/**
 * What is kept of those who have a quota: how much they used lately, and how long they are to wait. One sensor for all
 * who share a quota, whatever doors they come through.
 */
import type { Door } from '../../protocol/rpc.ts'
import type { QuotaKey } from '../access/model.ts'
import type { QuotaLimit } from '../access/quota-table.ts'
import { Rate, WINDOW_MS } from '../access/rate.ts'
import { BURST_MS, TokenBucket } from '../access/token-bucket.ts'

/** The quotas that are enforced here; connections are counted where they are accepted. */
export type SensorKey = Exclude<QuotaKey, 'connection_creation_rate'>

export interface Sensor {
  /** What holds now, whoever of those that share it asked last. */
  limit: QuotaLimit
  /** How long one who comes through `door` is to wait before going on, in whole ms. */
  delayMs (door: Door, nowMs: number): number
  /** What may still be used at once: bytes, partitions, or seconds of 1 %. */
  remaining (nowMs: number): number
  /** Use over limit: more than 1 is too much. */
  usage (nowMs: number): number
}

/**
 * Bytes. Kafka's rate decides; Kafka's clients are never told less than its throttle time.
 *
 * By itself that rate is a saw: after a burst of ten seconds' worth it holds the caller for as long, then forgets the burst
 * at once and allows the next; and what several connections took beyond the limit is forgotten with it. So there is a
 * bucket besides, which remembers; time that is spent waiting because of the rate does not fill it. Who was never told to
 * wait is never held by it; who always takes all he can gets his limit, evenly.
 *
 * Other doors answer in whole seconds: what they give is a row of small bursts, of which the rate counts eleven in ten
 * seconds. Once somebody has been told to wait, it is the bucket alone that holds him there.
 */
export class BandwidthSensor implements Sensor {
  #limit: QuotaLimit
  readonly #rate = new Rate()
  #bucket = new TokenBucket()
  /** When somebody was last told to wait. */
  #heldMs = -Infinity
  /** What was taken last. */
  #lastBytes = 0
  /** Connections whose Fetch was held back and that did not come back yet, and their number. */
  #inQueue = new WeakSet()
  #queued = 0

  constructor (limit: QuotaLimit) {
    this.#limit = limit
  }

  get limit (): QuotaLimit {
    return this.#limit
  }

  set limit (limit: QuotaLimit) {
    // Under a new limit everyone begins without debts; the rate is what it is.
    if (limit.limit !== this.#limit.limit) {
      this.#bucket = new TokenBucket()
      this.#heldMs = -Infinity
    }
    this.#limit = limit
  }

  /** Returns the delay that is due now. */
  record (bytes: number, door: Door, nowMs: number): number {
    this.#rate.record(bytes, nowMs)
    this.#bucket.take(bytes, this.#limit.limit, nowMs)
    if (bytes > 0) this.#lastBytes = bytes
    return this.delayMs(door, nowMs)
  }

  /** Takes back what was recorded at the same time. */
  unrecord (bytes: number, nowMs: number): void {
    this.#rate.unrecord(bytes, nowMs)
    this.#bucket.take(-bytes, this.#limit.limit, nowMs)
  }

  /** How long the limit takes to give again what was taken last. */
  get paceMs (): number {
    return this.#lastBytes / this.#limit.limit * 1000
  }

  /**
   * A Fetch is held back. What it is to wait beyond `delayMs`, in whole ms: as long as those of other connections that were
   * held back before it are going to take. If all came back at the same moment, all but one would be held back again.
   */
  queue (connection: object): number {
    const queueMs = Math.min(MAX_QUEUE_MS, Math.round(this.#queued * this.paceMs))
    if (!this.#inQueue.has(connection)) this.#queued++
    this.#inQueue.add(connection)
    return queueMs
  }

  /** It has come back. */
  unqueue (connection: object, nowMs: number): void {
    if (this.#inQueue.delete(connection)) this.#queued--
    // More was saved up than those who wait let lie: some of them have left.
    else if (this.#queued > 0 && this.remaining(nowMs) > 2 * this.#lastBytes) this.#forgetQueue()
  }

  #forgetQueue (): void {
    this.#inQueue = new WeakSet()
    this.#queued = 0
  }

  /** Whether nothing was used lately and nothing is owed: what comes now is not made too much by what came before. */
  isIdle (nowMs: number): boolean {
    return this.#rate.total(nowMs) <= 0 && this.#bucket.tokens(this.#limit.limit, nowMs) >= 0
  }

  /** Whether somebody was told to wait within the last window: what comes now is what was saved up by waiting. */
  wasHeld (nowMs: number): boolean {
    return nowMs - this.#heldMs < BURST_MS
  }

  delayMs (door: Door, nowMs: number): number {
    const { limit } = this.#limit
    if (door === 'kafka' || !this.wasHeld(nowMs)) {
      const excess = this.#rate.excess(limit, nowMs)
      if (excess > 0) this.#bucket.drainTo(-excess, limit, nowMs)
    }
    const delayMs = this.#bucket.throttleMs(limit, nowMs)
    if (delayMs > 0) this.#heldMs = nowMs
    return delayMs
  }

  remaining (nowMs: number): number {
    const { limit } = this.#limit
    return Math.max(0, Math.min(-this.#rate.excess(limit, nowMs), this.#bucket.tokens(limit, nowMs)))
  }

  usage (nowMs: number): number {
    return this.#rate.perSecond(nowMs) / this.#limit.limit
  }
}

/** Time on the event loop, in percent of it. Nobody waits longer than a second at a time, so that no session is lost. */
export class WorkSensor implements Sensor {
  limit: QuotaLimit
  readonly #rate = new Rate()

  constructor (limit: QuotaLimit) {
    this.limit = limit
  }

  record (ms: number, nowMs: number): void {
    this.#rate.record(ms / 10, nowMs)
  }

  delayMs (_door: Door, nowMs: number): number {
    return Math.min(MAX_WORK_DELAY_MS, this.#rate.throttleMs(this.limit.limit, nowMs))
  }

  remaining (nowMs: number): number {
    return Math.max(0, -this.#rate.excess(this.limit.limit, nowMs))
  }

  usage (nowMs: number): number {
    return this.#rate.perSecond(nowMs) / this.limit.limit
  }
}

const MAX_WORK_DELAY_MS = 1000
/** Some of those that wait never come back: those behind them are not to wait for long. */
const MAX_QUEUE_MS = 1000

/** Partitions created and deleted. */
export class MutationSensor implements Sensor {
  limit: QuotaLimit
  readonly #bucket = new TokenBucket()

  constructor (limit: QuotaLimit) {
    this.limit = limit
  }

  take (partitions: number, nowMs: number): void {
    this.#bucket.take(partitions, this.limit.limit, nowMs)
  }

  /** False, and nothing is taken, while something is owed. */
  admit (partitions: number, nowMs: number): boolean {
    if (this.#bucket.tokens(this.limit.limit, nowMs) < 0) return false
    this.take(partitions, nowMs)
    return true
  }

  delayMs (_door: Door, nowMs: number): number {
    return this.#bucket.throttleMs(this.limit.limit, nowMs)
  }

  remaining (nowMs: number): number {
    return Math.max(0, this.#bucket.tokens(this.limit.limit, nowMs))
  }

  usage (nowMs: number): number {
    const burst = this.limit.limit * BURST_MS / 1000
    return (burst - this.#bucket.tokens(this.limit.limit, nowMs)) / burst
  }
}

/** What one who was silent may use at once: told where there is no sensor yet. */
export const allowance = (key: SensorKey, limit: number): number =>
  limit * (key === 'controller_mutation_rate' ? BURST_MS : WINDOW_MS) / 1000

interface Pooled<S extends Sensor> {
  readonly sensor: S
  usedMs: number
  /** Of the table, when its limit was looked up. */
  revision: number
}

/** Kafka drops sensors that nobody used for an hour. */
const IDLE_MS = 3_600_000

/** The sensors of one quota, in the order of their last use. The longest unused gives way where there are too many. */
export class SensorPool<S extends Sensor> {
  readonly #pooled = new Map<string, Pooled<S>>()
  readonly #create: (limit: QuotaLimit) => S
  readonly #max: number

  constructor (create: (limit: QuotaLimit) => S, max: number) {
    this.#create = create
    this.#max = max
  }

  get size (): number {
    return this.#pooled.size
  }

  /** The sensor of those who share `limit`, if something was recorded lately. */
  find (limit: QuotaLimit, revision: number): S | undefined {
    const one = this.#pooled.get(limit.sensor)
    return one === undefined ? undefined : this.#refresh(one, limit, revision)
  }

  /** The sensor of those who share `limit`; what is about to be recorded counts as use. */
  use (limit: QuotaLimit, revision: number, nowMs: number): S {
    let one = this.#pooled.get(limit.sensor)
    if (one === undefined) {
      this.sweep(nowMs)
      if (this.#pooled.size >= this.#max) this.#pooled.delete(this.#pooled.keys().next().value!)
      one = { sensor: this.#create(limit), usedMs: nowMs, revision }
      this.#pooled.set(limit.sensor, one)
    } else {
      this.#pooled.delete(limit.sensor)
      this.#pooled.set(limit.sensor, one)
      one.usedMs = nowMs
    }
    return this.#refresh(one, limit, revision)
  }

  /** Forgets what is idle. */
  sweep (nowMs: number): void {
    for (const [name, { usedMs }] of this.#pooled) {
      if (nowMs - usedMs < IDLE_MS) break
      this.#pooled.delete(name)
    }
  }

  /** Those whose limit is known to be that of the table as it is. */
  * current (revision: number): Generator<S> {
    for (const one of this.#pooled.values()) if (one.revision === revision) yield one.sensor
  }

  #refresh (one: Pooled<S>, limit: QuotaLimit, revision: number): S {
    one.sensor.limit = limit
    one.revision = revision
    return one.sensor
  }
}
