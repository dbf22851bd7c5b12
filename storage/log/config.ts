/**
 * What a log is told about itself. The names are those of Kafka's topic configurations.
 */
export interface LogConfig {
  /** A segment is closed when it would grow beyond this. */
  readonly segmentBytes: number
  /** A segment is closed when its records span more time than this. */
  readonly segmentMs: number
  readonly indexIntervalBytes: number
  /** Segments whose youngest record is older are deleted; -1 keeps them. */
  readonly retentionMs: number
  /** Segments that are not needed to keep this much are deleted; -1 keeps them. */
  readonly retentionBytes: number
  /** `cleanup.policy` holds `delete`. */
  readonly deletes: boolean
  /** `cleanup.policy` holds `compact`. */
  readonly compacts: boolean
  /** How long compaction keeps a tombstone, for readers that are behind. */
  readonly deleteRetentionMs: number
  /** Records younger than this are not compacted. */
  readonly minCompactionLagMs: number
  /** The share of a log that must be uncompacted before it is worth the work. */
  readonly minCleanableDirtyRatio: number
}

const DAY_MS = 86_400_000

export const defaultLogConfig: LogConfig = {
  segmentBytes: 1024 ** 3,
  segmentMs: 7 * DAY_MS,
  indexIntervalBytes: 4096,
  retentionMs: 7 * DAY_MS,
  retentionBytes: -1,
  deletes: true,
  compacts: false,
  deleteRetentionMs: DAY_MS,
  minCompactionLagMs: 0,
  minCleanableDirtyRatio: 0.5
}

/** `fsync`: committed means on the disk. `os`: committed means handed to the operating system. */
export type Durability = 'fsync' | 'os'

/** What a log reports as it works: counted and logged by whoever opened it. */
export interface LogObserver {
  appended (bytes: number): void
  synced (durationMs: number): void
  /** A torn tail was cut off a segment during recovery. */
  truncated (path: string, bytes: number): void
  /** Damaged bytes were set aside; offsets in `[fromOffset, toOffset)` are lost. */
  quarantined (path: string, bytes: number, fromOffset: number, toOffset: number): void
  /** The disk refused a write (the log goes on when it can) or failed a sync (the log acknowledges nothing any more). */
  failed (path: string, error: Error): void
}
