/**
 * Kafka's rate: what was recorded within the last 11 samples of a second each, over the time since the oldest of them
 * began. A sample begins with the first value that falls into it, not at the full second; it counts for 11 seconds after
 * its last value. Until ten seconds are known, ten and the begun one are assumed, so that a first burst is no violation.
 *
 * Pure: time is handed in, in ms on a clock that does not go back, fractions allowed. Memory is fixed.
 */

/** `quota.window.num` and `quota.window.size.seconds`, Kafka's defaults. */
export const SAMPLES = 11
export const SAMPLE_MS = 1000

/** What a quota allows at once, to one who has been silent: this long at its rate. */
export const WINDOW_MS = (SAMPLES - 1) * SAMPLE_MS

/** How long a sample counts after its last value. */
const LIFETIME_MS = SAMPLES * SAMPLE_MS

/** One more than count: the oldest may still reach into the window while the newest begins. */
const SLOTS = SAMPLES + 1

/** Fields of a slot: when it began, its last value's time, the sum of its values. */
const FIRST = 0
const LAST = 1
const SUM = 2
const FIELDS = 3

export class Rate {
  readonly #slots = new Float64Array(SLOTS * FIELDS)
  /** Where the current sample begins in `#slots`. */
  #current = 0
  /** Results of `#measure`: no object for each. */
  #total = 0
  #windowMs = 0

  constructor () {
    this.#slots.fill(-Infinity)
  }

  record (value: number, nowMs: number): void {
    const slots = this.#slots
    // A slot that was never used began an eternity ago, and is complete.
    if (nowMs - slots[this.#current + FIRST]! >= SAMPLE_MS) {
      this.#current = (this.#current + FIELDS) % slots.length
      slots[this.#current + FIRST] = nowMs
      slots[this.#current + SUM] = 0
    }
    slots[this.#current + LAST] = nowMs
    slots[this.#current + SUM]! += value
  }

  /** Takes back what was recorded at the same time. */
  unrecord (value: number, nowMs: number): void {
    this.record(-value, nowMs)
  }

  /** What the samples hold that still count. */
  total (nowMs: number): number {
    this.#measure(nowMs)
    return this.#total
  }

  /** The time that the total is held against. */
  windowMs (nowMs: number): number {
    this.#measure(nowMs)
    return this.#windowMs
  }

  perSecond (nowMs: number): number {
    this.#measure(nowMs)
    return this.#total / this.#windowMs * 1000
  }

  /** By how much the total is over what `limit` per second allows in the window; below zero: how much is left. */
  excess (limit: number, nowMs: number): number {
    this.#measure(nowMs)
    return this.#total - limit * this.#windowMs / 1000
  }

  /** How long to wait until the rate is down at `limit` per second, in whole ms. */
  throttleMs (limit: number, nowMs: number): number {
    const excess = this.excess(limit, nowMs)
    return excess > 0 ? Math.round(excess / limit * 1000) : 0
  }

  #measure (nowMs: number): void {
    const slots = this.#slots
    let total = 0
    let oldestMs = nowMs
    for (let i = 0; i < slots.length; i += FIELDS) {
      if (nowMs - slots[i + LAST]! >= LIFETIME_MS) continue
      total += slots[i + SUM]!
      if (slots[i + FIRST]! < oldestMs) oldestMs = slots[i + FIRST]!
    }
    let elapsedMs = nowMs - oldestMs
    const missing = SAMPLES - 1 - Math.floor(elapsedMs / SAMPLE_MS)
    if (missing > 0) elapsedMs += missing * SAMPLE_MS
    this.#total = total
    this.#windowMs = elapsedMs
  }
}
