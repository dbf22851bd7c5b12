/**
 * What has to be done now and then: deleting what is too old or too much, compacting, checkpointing, forgetting. One
 * thing after the other, so that it never competes with itself.
 */
import { compact, type CompactionState } from '../log/compaction.ts'
import type { LogObserver } from '../log/config.ts'
import { ClosedFileError, type FileSystem } from '../log/fs.ts'
import type { Log } from '../log/log.ts'
import { retain } from '../log/retention.ts'
import type { MetadataLog } from './metadata.ts'
import type { Topics } from './topics.ts'

/** Shorter than Kafka's 5 minutes (`log.retention.check.interval.ms`): a look at each log's first segment costs little. */
const INTERVAL_MS = 30_000
/** Indexes that nobody has looked into for this long leave the memory. */
const INDEX_IDLE_MS = 60_000
/** Kafka's `producer.id.expiration.ms`. */
const PRODUCER_IDLE_MS = 86_400_000

export interface MaintenanceOptions {
  readonly fs: FileSystem
  readonly topics: Topics
  readonly metadata: MetadataLog
  readonly observer: LogObserver
  readonly checkpoint: () => Promise<void>
}

export class Maintenance {
  readonly #options: MaintenanceOptions
  readonly #metadataState: CompactionState = { cleanedTo: 0 }
  #timer: NodeJS.Timeout | null = null
  #running: Promise<void> = Promise.resolve()
  #stopped = false

  constructor (options: MaintenanceOptions) {
    this.#options = options
  }

  start (): void {
    this.#timer = setTimeout(() => {
      this.run(Date.now()).finally(() => { if (!this.#stopped) this.start() })
    }, INTERVAL_MS).unref()
  }

  /** Begins nothing more. Resolves when what is under way is through; closing its log cuts that short. */
  async stop (): Promise<void> {
    this.#stopped = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    await this.#running
  }

  /** One round, after the one before it. A log that fails is reported and does not keep the others from their turn. */
  run (nowMs: number): Promise<void> {
    this.#running = this.#running.then(() => this.#round(nowMs))
    return this.#running
  }

  async #round (nowMs: number): Promise<void> {
    const { topics, metadata, checkpoint } = this.#options
    for (const topic of topics) {
      for (const partition of topic.partitions) {
        if (this.#stopped) return
        await partition.tend(() => this.#tend(partition.log, partition.compaction, nowMs))
        partition.expireProducers(nowMs - PRODUCER_IDLE_MS)
      }
    }
    if (this.#stopped) return
    await this.#tend(metadata.log, this.#metadataState, nowMs)
    await this.#guard(metadata.log.directory, checkpoint)
  }

  async #tend (log: Log, state: CompactionState, nowMs: number): Promise<void> {
    if (log.failure !== null) return // what is left of it is for the next start to judge
    if (log.config.compacts) await this.#guard(log.directory, () => compact(log, this.#options.fs, state, nowMs))
    await this.#guard(log.directory, () => retain(log, nowMs))
    log.forgetIndexes(nowMs - INDEX_IDLE_MS)
  }

  async #guard (path: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work()
    } catch (error) {
      // A log that is closed while we tend it is none that fails.
      if (!(error instanceof ClosedFileError)) this.#options.observer.failed(path, error as Error)
    }
  }
}
