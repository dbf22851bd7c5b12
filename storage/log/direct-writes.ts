/**
 * Decides which writes are made on the spot. Into the page cache a small one takes microseconds, less than it takes to hand
 * it to another thread. But when the system holds writers back (too many dirty pages, a busy journal) it takes as long as
 * it likes, and everything else would wait as well. So a slow one sends those that follow to the thread pool: for 25 ms if it
 * took 5, which may be nothing but a processor that was busy elsewhere, for 40 s if it took 200.
 */
const MAX_BYTES = 256 * 1024
/** No copy into memory takes longer than this. */
const SLOW_MS = 5

export class DirectWrites {
  #pausedUntilMs = 0

  /** Whether a write of so many bytes is to be made on the spot. */
  suits (bytes: number, nowMs: number): boolean {
    return bytes <= MAX_BYTES && nowMs >= this.#pausedUntilMs
  }

  /** One was made. */
  made (startedAtMs: number, nowMs: number): void {
    const durationMs = nowMs - startedAtMs
    if (durationMs > SLOW_MS) this.#pausedUntilMs = nowMs + durationMs ** 2
  }
}
