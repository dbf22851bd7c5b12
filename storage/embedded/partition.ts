/**
 * One partition: its log, its idempotent producers and the fetches that wait for it.
 */
import type { RecordBatch } from '../../protocol/batch.ts'
import { Log, type LogOptions } from '../log/log.ts'
import type { CompactionState } from '../log/compaction.ts'
import type { TopicConfig } from './configs.ts'
import { Producers } from './producers.ts'
import { WaitingRoom } from './purgatory.ts'
import { readSnapshot, writeSnapshot } from './snapshots.ts'
import { checkBatch } from './validation.ts'

export interface Appended {
  readonly baseOffset: number
  /** Wait for this offset to be written or committed. */
  readonly nextOffset: number
  /** When the log gave its own time to the batch, that time; else -1. */
  readonly appendTimeMs: number
}

export type PartitionOptions = Omit<LogOptions, 'onRoll' | 'onTruncate' | 'config'>

export class Partition {
  readonly topic: string
  readonly index: number
  readonly log: Log
  readonly waiting = new WaitingRoom()
  readonly compaction: CompactionState = { cleanedTo: 0 }
  config: TopicConfig
  readonly #options: PartitionOptions
  readonly #producers: Producers
  /** Up to where the last snapshot tells of them. */
  #snapshotOffset: number
  /** Work of maintenance on the files. */
  #tending: Promise<void> | null = null
  #closing = false

  private constructor (topic: string, index: number, config: TopicConfig, log: Log, { producers, offset }: Recalled, options: PartitionOptions) {
    this.topic = topic
    this.index = index
    this.config = config
    this.log = log
    this.#producers = producers
    this.#snapshotOffset = offset
    this.#options = options
    log.onCommit = bytes => this.waiting.committed(bytes)
  }

  static async open (topic: string, index: number, config: TopicConfig, options: PartitionOptions): Promise<Partition> {
    // The log calls back only after it is open, when the partition exists.
    const holder: { partition?: Partition } = {}
    const log = await Log.open({
      ...options,
      config: config.log,
      onRoll: offset => holder.partition!.#snapshot(offset),
      onTruncate: offset => holder.partition!.#producers.truncate(offset)
    })
    try {
      holder.partition = new Partition(topic, index, config, log, await recallProducers(log, options), options)
      return holder.partition
    } catch (error) {
      await log.close().catch(() => {}) // why it cannot be opened is the news
      throw error
    }
  }

  reconfigure (config: TopicConfig): void {
    this.config = config
    this.log.config = config.log
  }

  /** Checks a batch and appends it, unless the same producer has appended it before. Throws KafkaError. */
  append (batch: RecordBatch): Appended {
    const nowMs = Date.now()
    checkBatch(batch, this.topic, this.config, nowMs)
    if (batch.producerId >= 0) {
      const repeated = this.#producers.check(batch)
      if (repeated !== null) {
        const { baseOffset, lastOffset, timestampMs } = repeated
        return { baseOffset, nextOffset: lastOffset + 1, appendTimeMs: this.#appendTime(timestampMs) }
      }
    }
    if (this.config.appendTime) batch.stampAppendTime(nowMs)
    const baseOffset = this.log.append(batch)
    this.#producers.remember(batch, nowMs, this.log.committedOffset)
    return { baseOffset, nextOffset: batch.nextOffset, appendTimeMs: this.#appendTime(nowMs) }
  }

  #appendTime (timestampMs: number): number {
    return this.config.appendTime ? timestampMs : -1
  }

  expireProducers (timeMs: number): void {
    this.#producers.expire(timeMs)
  }

  /** Runs work on the files; closing the partition cuts it short and waits for its end. */
  async tend (work: () => Promise<void>): Promise<void> {
    if (this.#closing) return
    const tending = work()
    this.#tending = tending.catch(() => {})
    await tending
  }

  /** Rejects if not everything could be brought to the disk. */
  async close (): Promise<void> {
    this.#closing = true
    this.waiting.gone()
    await this.log.close()
    await this.#tending
    const { failure, endOffset } = this.log
    if (failure === null && endOffset > this.#snapshotOffset) await this.#snapshot(endOffset)
  }

  /** Also of no producers: that there are none is what the next start needs not find out. */
  async #snapshot (offset: number): Promise<void> {
    const { fs, directory } = this.#options
    await writeSnapshot(fs, directory, offset, this.#producers)
    this.#snapshotOffset = offset
  }

  /** Lets go of a partition whose folder is to be removed. When this resolves, nothing of ours touches that any more. */
  async discard (): Promise<void> {
    this.#closing = true
    this.waiting.gone()
    await this.log.discard()
    await this.#tending
  }
}

interface Recalled {
  readonly producers: Producers
  /** Up to where a snapshot has told of them. */
  readonly offset: number
}

/** From the last snapshot, and from what the log holds behind it. */
async function recallProducers (log: Log, { fs, directory }: PartitionOptions): Promise<Recalled> {
  const snapshot = await readSnapshot(fs, directory, log.endOffset)
  const producers = snapshot?.producers ?? new Producers()
  const from = snapshot?.offset ?? 0
  // The time in a batch is its producer's, who may be far off; nobody is forgotten for that.
  const nowMs = Date.now()
  if (from < log.endOffset) {
    for await (const batches of log.batches(Math.max(from, log.startOffset))) {
      for (const batch of batches) if (batch.baseOffset >= from) producers.remember(batch, nowMs, Infinity)
    }
  }
  return { producers, offset: from }
}
