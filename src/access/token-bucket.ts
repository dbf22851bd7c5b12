/**
 * Kafka's token bucket (KIP-599): filled at the rate of the quota up to 11 seconds of it. Who takes more than there is
 * leaves a debt, and waits until it is paid; unlike a rate it neither forgets a burst nor remembers it for a whole window.
 *
 * Pure: time is handed in, in ms on a clock that does not go back. The quota is handed in too, as it may change.
 */
import { SAMPLE_MS, SAMPLES } from './rate.ts'

/** A full bucket holds what the quota gives in this time. */
export const BURST_MS = SAMPLES * SAMPLE_MS

export class TokenBucket {
  /** Full to begin with, however large it is. */
  #tokens = Infinity
  #filledMs = -Infinity

  /** What there is to take; below zero, what is owed. */
  tokens (limit: number, nowMs: number): number {
    // Nothing is gained by time when it is full already (and infinity times a limit of zero is no number).
    const gained = this.#tokens === Infinity ? 0 : limit * (nowMs - this.#filledMs) / 1000
    this.#tokens = Math.min(limit * BURST_MS / 1000, this.#tokens + gained)
    this.#filledMs = nowMs
    return this.#tokens
  }

  /** Takes them whether they are there or not. A negative count puts back. */
  take (count: number, limit: number, nowMs: number): void {
    this.#tokens = Math.min(limit * BURST_MS / 1000, this.tokens(limit, nowMs) - count)
  }

  /** Takes away what is there beyond `most`. */
  drainTo (most: number, limit: number, nowMs: number): void {
    this.#tokens = Math.min(most, this.tokens(limit, nowMs))
  }

  /** How long to wait until nothing is owed, in whole ms. */
  throttleMs (limit: number, nowMs: number): number {
    const tokens = this.tokens(limit, nowMs)
    return tokens < 0 ? Math.round(-tokens / limit * 1000) : 0
  }
}
