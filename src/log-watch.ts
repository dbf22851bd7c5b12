/**
 * Watches the embedded log as it works: counts for the metrics, lines for the operator.
 */
import { Histogram } from './histogram.ts'
import type { Logger } from './logger.ts'
import type { LogStats, TopicSize } from './metrics/sources.ts'

/** Seconds that a sync takes, from a fast disk to one in trouble. */
const SYNC_SECONDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5] as const

/** What the engine shows of itself while it runs; null until it is open. */
export interface WatchedLog {
  readonly tail: { readonly usedBytes: number, readonly hits: number, readonly misses: number }
  readonly groups: { readonly size: number } | null
  readonly topics: Iterable<{
    readonly name: string
    readonly partitions: ReadonlyArray<{ readonly log: { readonly sizeBytes: number, readonly segmentCount: number } }>
  }> | null
}

export class LogWatch implements LogStats {
  readonly syncSeconds = new Histogram(SYNC_SECONDS)
  syncFailures = 0
  truncatedBytes = 0
  quarantinedBytes = 0
  recoverySeconds = 0
  appends = 0
  appendedBytes = 0
  readonly #logger: Logger
  #engine: WatchedLog | null = null

  constructor (logger: Logger) {
    this.#logger = logger
  }

  /** The engine is made with its observer, so it comes here afterwards. */
  watch (engine: WatchedLog): void {
    this.#engine = engine
  }

  synced (durationMs: number): void {
    this.syncSeconds.observe(durationMs / 1000)
  }

  appended (bytes: number): void {
    this.appends++
    this.appendedBytes += bytes
  }

  truncated (path: string, bytes: number): void {
    this.truncatedBytes += bytes
    this.#logger.warn({ path, bytes }, 'cut off a write that was never finished')
  }

  quarantined (path: string, bytes: number, fromOffset: number, toOffset: number): void {
    this.quarantinedBytes += bytes
    this.#logger.error({ path, bytes, fromOffset, toOffset }, 'set damaged bytes aside: the records in this range of offsets are lost, the rest is served')
  }

  failed (path: string, error: NodeJS.ErrnoException): void {
    if (error.syscall === 'fdatasync' || error.syscall === 'fsync') this.syncFailures++
    this.#logger.error({ path, err: error }, 'the disk refused')
  }

  get tailBytes (): number { return this.#engine?.tail.usedBytes ?? 0 }
  get tailHits (): number { return this.#engine?.tail.hits ?? 0 }
  get tailMisses (): number { return this.#engine?.tail.misses ?? 0 }
  get groups (): number { return this.#engine?.groups?.size ?? 0 }

  * topics (): Generator<TopicSize> {
    for (const { name, partitions } of this.#engine?.topics ?? []) {
      let sizeBytes = 0
      let segments = 0
      for (const { log } of partitions) {
        sizeBytes += log.sizeBytes
        segments += log.segmentCount
      }
      yield { topic: name, partitions: partitions.length, sizeBytes, segments }
    }
  }
}
