/**
 * Looks through a segment from end to end and tells what is sound from what is not.
 *
 * A batch is sound if its checksum holds and its offsets fit between those of its neighbours. The checksum does not cover
 * the base offset, so one that leaves a gap is believed only when what follows confirms it: the next batch, or the
 * beginning of the next segment. Gaps are normal where compaction has been; elsewhere they are only where bytes are
 * missing, or where damage was set aside before.
 */
import { BATCH_HEADER_BYTES, RecordBatch, batchSizeAt } from '../../protocol/batch.ts'
import type { LogFile } from './fs.ts'
import { readAt, scan, soundBatchAt } from './scan.ts'

/** `[from, to)` bytes of a segment that hold no sound batch, and the offsets that are lost with them. */
export interface Damage {
  readonly from: number
  readonly to: number
  readonly fromOffset: number
  readonly toOffset: number
}

/** What an offset can be at most, relative to the base of its segment: the indexes have no room for more. */
const MAX_RELATIVE_OFFSET = 0x7fffffff

interface Found {
  readonly batch: RecordBatch
  readonly position: number
}

export class Survey {
  readonly damages: Damage[] = []
  /** The offset after the last sound record. */
  nextOffset: number
  /** The position after the last sound batch. */
  end = 0
  /** Whether what lies behind `end` can be a write that a crash has torn: nothing in it is sound. */
  isTorn = false
  /** The first offset that cannot be in the segment, if that is known. */
  readonly #endOffset: number
  readonly #isEndKnown: boolean
  readonly #hasGaps: boolean
  readonly #note: (batch: RecordBatch) => void
  /** A batch that leaves a gap, or follows on damage, and waits for what comes next to confirm it. */
  #doubtful: Found | null = null
  /** Records in batches that were met since and have no place. */
  #unplaced = 0
  #lastMet = -1
  /** Where the last damaged batch ended that still has a header which can be its own. */
  #claimedEnd = 0

  /**
   * `note` is told of every sound batch, in order. No record can have `endOffset`, or Infinity if that is not known.
   * `hasGaps`: offsets may be missing anywhere.
   */
  constructor (baseOffset: number, endOffset: number, hasGaps: boolean, note: (batch: RecordBatch) => void) {
    this.nextOffset = baseOffset
    this.#hasGaps = hasGaps
    this.#isEndKnown = endOffset !== Infinity
    this.#endOffset = Math.min(endOffset, baseOffset + MAX_RELATIVE_OFFSET + 1)
    this.#note = note
  }

  /** Looks through all of a file. */
  async read (file: LogFile, size: number): Promise<void> {
    for (let position = 0; position < size;) {
      for await (const batches of scan(file, position, size)) {
        for (const batch of batches) {
          this.#meet({ batch, position })
          position += batch.sizeBytes
        }
      }
      if (position < size) position = await this.#findSound(file, position, size)
    }
    this.#conclude(size)
  }

  /** A batch whose checksum holds. */
  #meet (found: Found): void {
    const { batch: { baseOffset, lastOffset, lastOffsetDelta }, position } = found
    this.#lastMet = position
    if (this.#doubtful !== null && this.#isConfirmed(this.#doubtful, found)) this.#accept(this.#doubtful)
    this.#unplaced += lastOffsetDelta + 1
    if (baseOffset < this.nextOffset || lastOffset < baseOffset || lastOffset >= this.#endOffset) return
    // A doubtful one that is still there is contradicted: this one fits, and both cannot.
    this.#doubtful = null
    if (baseOffset === this.nextOffset && position === this.end) this.#accept(found)
    else this.#doubtful = found
  }

  /** Whether a doubtful batch is where it belongs, seeing the one that follows. */
  #isConfirmed ({ batch, position }: Found, next: Found): boolean {
    const gap = next.batch.baseOffset - batch.nextOffset
    const isAdjacent = next.position === position + batch.sizeBytes
    if (gap <= 0 || this.#hasGaps || !isAdjacent) return gap >= 0
    // It has gaps on both sides, as damage leaves them that was set aside before; then nothing unsound lies before it now.
    return position === this.end
  }

  #accept ({ batch, position }: Found): void {
    if (position > this.end) this.#lose(position, batch.baseOffset)
    this.#doubtful = null
    this.#unplaced = 0
    this.end = position + batch.sizeBytes
    this.nextOffset = batch.nextOffset
    this.#note(batch)
  }

  /** What lies between the last sound batch and the next. */
  #lose (to: number, toOffset: number): void {
    this.damages.push({ from: this.end, to, fromOffset: this.nextOffset, toOffset })
  }

  #conclude (size: number): void {
    const last = this.#doubtful
    const isBelieved = last !== null && (this.#isEndKnown ? this.#hasGaps || last.batch.nextOffset === this.#endOffset : last.position > this.end)
    if (isBelieved) this.#accept(last)
    if (this.end === size) return
    this.isTorn = this.#lastMet < this.end
    // How many records a batch has is under its checksum, only where they belong is not.
    this.#lose(size, this.#isEndKnown ? this.#endOffset : Math.max(this.nextOffset + this.#unplaced, this.#claimedEnd))
  }

  /** Where the next sound batch behind `position` begins, or the end of the file. */
  async #findSound (file: LogFile, position: number, size: number): Promise<number> {
    const header = await readAt(file, position, Math.min(BATCH_HEADER_BYTES, size - position))
    if (header.length === BATCH_HEADER_BYTES && this.#looksLikeBatch(header, 0, size - position)) {
      this.#claimedEnd = new RecordBatch(header).nextOffset
    }
    // The length may be right where something else is wrong.
    const length = batchSizeAt(header, 0)
    if (length >= BATCH_HEADER_BYTES && await this.#isSoundAt(file, position + length, size)) return position + length
    for (let start = position + 1; start + BATCH_HEADER_BYTES <= size; start += SEARCH_BYTES) {
      const buffer = await readAt(file, start, Math.min(SEARCH_BYTES + BATCH_HEADER_BYTES, size - start))
      const last = Math.min(SEARCH_BYTES, buffer.length - BATCH_HEADER_BYTES + 1)
      for (let at = 0; at < last; at++) {
        if (this.#looksLikeBatch(buffer, at, size - start) && await this.#isSoundAt(file, start + at, size)) return start + at
      }
    }
    return size
  }

  async #isSoundAt (file: LogFile, position: number, size: number): Promise<boolean> {
    if (position + BATCH_HEADER_BYTES > size) return false
    const header = await readAt(file, position, BATCH_HEADER_BYTES)
    if (header.length < BATCH_HEADER_BYTES || !this.#looksLikeBatch(header, 0, size - position)) return false
    return soundBatchAt(await readAt(file, position, batchSizeAt(header, 0)), 0) !== null
  }

  /** A cheap look before the checksum: the magic byte, a length that fits into `left` bytes, offsets that can follow. */
  #looksLikeBatch (buffer: Buffer, at: number, left: number): boolean {
    if (buffer[at + MAGIC_AT] !== 2) return false
    const size = batchSizeAt(buffer, at)
    if (size < BATCH_HEADER_BYTES || at + size > left) return false
    const { baseOffset, lastOffset } = new RecordBatch(buffer.subarray(at, at + BATCH_HEADER_BYTES))
    return baseOffset >= this.nextOffset && lastOffset >= baseOffset && lastOffset < this.#endOffset
  }
}

const SEARCH_BYTES = 4 * 1024 * 1024
const MAGIC_AT = 16
