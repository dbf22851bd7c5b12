/**
 * One partition: its log, its idempotent producers and the fetches that wait for it. Checks what is appended.
 */
import { COMPRESSION_MASK, type RecordBatch } from '../../protocol/batch.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { countRecords, recordsIn } from '../../protocol/records.ts'
import { Log, type LogOptions } from '../log/log.ts'
import { type CompactionState } from '../log/compaction.ts'
import { type TopicConfig } from './configs.ts'
import { Producers } from './producers.ts'
import { WaitingRoom } from './purgatory.ts'
import { readSnapshot, writeSnapshot } from './snapshots.ts'

/** Some records of a batch were refused, and with them all of it. */
export class InvalidRecordsError extends KafkaError {
  /** By position in the batch. */
  readonly records: ReadonlyArray<{ readonly batchIndex: number, readonly batchIndexErrorMessage: string }>

  constructor (message: string, records: InvalidRecordsError['records']) {
    super('INVALID_RECORD', message)
    this.records = records
  }
}

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

  private constructor (topic: string, index: number, config: TopicConfig, log: Log, producers: Producers, options: PartitionOptions) {
    this.topic = topic
    this.index = index
    this.config = config
    this.log = log
    this.#producers = producers
    this.#options = options
    log.onCommit = bytes => this.waiting.committed(bytes)
  }

  static async open (topic: string, index: number, config: TopicConfig, options: PartitionOptions): Promise<Partition> {
    const { fs, directory } = options
    // The log calls back only after it is open, when the partition exists.
    const holder: { partition?: Partition } = {}
    const log = await Log.open({
      ...options,
      config: config.log,
      onRoll: async offset => await writeSnapshot(fs, directory, offset, holder.partition!.#producers),
      onTruncate: offset => holder.partition!.#producers.truncate(offset)
    })
    const snapshot = await readSnapshot(fs, directory, log.endOffset)
    const producers = snapshot?.producers ?? new Producers()
    const from = Math.max(snapshot?.offset ?? 0, log.startOffset)
    if (from < log.endOffset) {
      for await (const batches of log.batches(from)) {
        for (const batch of batches) if (batch.baseOffset >= from) producers.remember(batch, batch.maxTimestamp)
      }
    }
    holder.partition = new Partition(topic, index, config, log, producers, options)
    return holder.partition
  }

  reconfigure (config: TopicConfig): void {
    this.config = config
    this.log.config = config.log
  }

  /** Checks a batch and appends it, unless the same producer has appended it before. Throws KafkaError. */
  append (batch: RecordBatch): Appended {
    this.#check(batch)
    const nowMs = Date.now()
    if (batch.producerId >= 0) {
      const repeated = this.#producers.check(batch)
      if (repeated !== null) return { baseOffset: repeated.baseOffset, nextOffset: repeated.lastOffset + 1, appendTimeMs: this.#appendTime(repeated.timestampMs) }
    }
    if (this.config.appendTime) batch.stampAppendTime(nowMs)
    const baseOffset = this.log.append(batch)
    this.#producers.remember(batch, nowMs)
    return { baseOffset, nextOffset: batch.nextOffset, appendTimeMs: this.#appendTime(nowMs) }
  }

  #appendTime (timestampMs: number): number {
    return this.config.appendTime ? timestampMs : -1
  }

  #check (batch: RecordBatch): void {
    const { maxMessageBytes, log: { segmentBytes, compacts } } = this.config
    if (batch.magic !== 2) throw new KafkaError('INVALID_RECORD', `Message format ${batch.magic} is not accepted: produce with format 2 (Kafka 0.11 and later).`)
    if (!batch.isSound) throw new KafkaError('CORRUPT_MESSAGE', 'The batch does not match its checksum.')
    if (batch.sizeBytes > maxMessageBytes) {
      throw new KafkaError('MESSAGE_TOO_LARGE', `The batch has ${batch.sizeBytes} bytes, but max.message.bytes of ${this.topic} is ${maxMessageBytes}.`)
    }
    if (batch.sizeBytes > segmentBytes) throw new KafkaError('RECORD_LIST_TOO_LARGE')
    if (batch.isControl) throw new KafkaError('INVALID_RECORD', 'Clients may not write control batches.')
    if (batch.isTransactional) throw new KafkaError('INVALID_TXN_STATE', 'Transactions are not supported.')
    const { recordCount, lastOffsetDelta } = batch
    if (recordCount <= 0 || lastOffsetDelta !== recordCount - 1) {
      throw new KafkaError('INVALID_RECORD', `The batch claims ${recordCount} records, but its last offset delta is ${lastOffsetDelta}.`)
    }
    if ((batch.attributes & COMPRESSION_MASK) === 0 && countRecords(batch) !== recordCount) {
      throw new KafkaError('INVALID_RECORD', `The batch claims ${recordCount} records, but does not hold as many.`)
    }
    if (!this.config.appendTime) this.#checkTimestamps(batch)
    if (compacts) checkKeys(batch)
  }

  #checkTimestamps (batch: RecordBatch): void {
    const { timestampAfterMaxMs, timestampBeforeMaxMs } = this.config
    const { baseTimestamp, maxTimestamp } = batch
    const nowMs = Date.now()
    if (maxTimestamp - nowMs > timestampAfterMaxMs || nowMs - baseTimestamp > timestampBeforeMaxMs || !Number.isSafeInteger(baseTimestamp)) {
      throw new KafkaError('INVALID_TIMESTAMP',
        `A timestamp from ${baseTimestamp} to ${maxTimestamp} ms is further from the server's ${nowMs} than ${this.topic} allows.`)
    }
  }

  expireProducers (timeMs: number): void {
    this.#producers.expire(timeMs)
  }

  async close (): Promise<void> {
    this.waiting.gone()
    await this.log.close()
    const { fs, directory } = this.#options
    if (this.log.failure === null && this.#producers.size > 0) await writeSnapshot(fs, directory, this.log.endOffset, this.#producers)
  }
}

function checkKeys (batch: RecordBatch): void {
  const missing = []
  let batchIndex = 0
  for (const { key } of recordsIn(batch)) {
    if (key === null) missing.push({ batchIndex, batchIndexErrorMessage: 'The topic is compacted: every record needs a key.' })
    batchIndex++
  }
  if (missing.length > 0) throw new InvalidRecordsError(`${missing.length} records have no key, which a compacted topic requires.`, missing)
}
