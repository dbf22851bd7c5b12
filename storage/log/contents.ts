/**
 * What is known of a segment's batches without reading them: how far they go, how old they are, and the two indexes. Told
 * of every batch in order, by whoever writes or checks the segment.
 */
import type { RecordBatch } from '../../protocol/batch.ts'
import { OffsetIndex, TimeIndex, type TimeEntry } from './index.ts'

export interface Indexes {
  readonly offsets: OffsetIndex
  readonly times: TimeIndex
}

export class Contents {
  readonly baseOffset: number
  readonly indexes: Indexes
  /** Bytes of all batches. */
  size = 0
  /** The offset after the last record. */
  nextOffset: number
  /** Whether offsets are missing between batches: compaction or damage has taken them. */
  hasGaps = false
  /** The time of the first batch, by which the age of a segment is measured; -1 while it is empty. */
  firstTimestampMs = -1
  youngest: TimeEntry = { timestampMs: -1, offset: -1 }
  readonly #indexIntervalBytes: number
  #bytesSinceEntry = 0

  /** Of a new segment, or of one whose `indexes` are known; whoever knows them says what else is known. */
  constructor (baseOffset: number, indexIntervalBytes: number, indexes = emptyIndexes(baseOffset)) {
    this.baseOffset = baseOffset
    this.nextOffset = baseOffset
    this.indexes = indexes
    this.#indexIntervalBytes = indexIntervalBytes
  }

  /** A batch that lies right behind the last one. */
  note (batch: RecordBatch): void {
    const { baseOffset, lastOffset, maxTimestamp, sizeBytes } = batch
    if (maxTimestamp > this.youngest.timestampMs) this.youngest = { timestampMs: maxTimestamp, offset: lastOffset }
    if (this.firstTimestampMs < 0) this.firstTimestampMs = maxTimestamp
    if (baseOffset !== this.nextOffset) this.hasGaps = true
    if (this.#bytesSinceEntry > this.#indexIntervalBytes) {
      this.indexes.offsets.add(lastOffset, this.size)
      this.indexes.times.add(this.youngest)
      this.#bytesSinceEntry = 0
    }
    this.#bytesSinceEntry += sizeBytes
    this.size += sizeBytes
    this.nextOffset = lastOffset + 1
  }

  /** No batch follows: the time index gets its last entry, as in Kafka. */
  finish (): void {
    this.indexes.times.add(this.youngest)
  }
}

function emptyIndexes (baseOffset: number): Indexes {
  return { offsets: new OffsetIndex(baseOffset), times: new TimeIndex(baseOffset) }
}
