/**
 * Decides which writes are made on the spot. Into the page cache a small one takes microseconds, less than it takes to hand
 * it to another thread. But when the system holds writers back (too many dirty pages, a busy journal) it takes as long as
 * it likes, and everything else would wait as well. So a slow one sends those that follow to the thread pool for a hundred
 * times as long as it took: not more than a hundredth of the time is lost.
 */
const MAX_BYTES = 256 * 1024
/** Longer than this is no copy into memory, even for a process that has to share its processor. */
const SLOW_MS = 5
const PENANCE = 100

export class DirectWrites {
  #pausedUntilMs = 0

  /** Whether a write of so many bytes is to be made on the spot. */
  suits (bytes: number, nowMs: number): boolean {
    return bytes <= MAX_BYTES && nowMs >= this.#pausedUntilMs
  }

  /** One was made. */
  made (startedAtMs: number, nowMs: number): void {
    const durationMs = nowMs - startedAtMs
    if (durationMs > SLOW_MS) this.#pausedUntilMs = nowMs + durationMs * PENANCE
  }
}
