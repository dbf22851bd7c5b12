/**
 * A segment: one file of record batches and its two indexes, named after its first offset as in Kafka
 * (`00000000000000000042.log`, `.index`, `.timeindex`).
 *
 * While it is the last of its log it is written and its indexes live in memory; sealing puts them on disk. The indexes of
 * a sealed segment are read when they are first needed and dropped again when nobody has needed them for a while.
 */
import { join } from 'node:path'
import { batchSizeAt, type RecordBatch } from '../../protocol/batch.ts'
import { type Chunks } from '../../protocol/schema.ts'
import { recordsIn } from '../../protocol/records.ts'
import { type FileSystem, type LogFile } from './fs.ts'
import { OffsetIndex, TimeIndex } from './index.ts'
import { readAt, scan, soundBatches } from './scan.ts'

/** Bytes of the segment that a sealed one cannot vouch for. The log repairs it and reads again. */
export class DamagedSegmentError extends Error {
  override readonly name = 'DamagedSegmentError'
  readonly segment: Segment

  constructor (segment: Segment, position: number) {
    super(`${segment.path} is damaged at byte ${position}`)
    this.segment = segment
  }
}

export interface TimedOffset {
  readonly offset: number
  readonly timestampMs: number
}

interface Indexes {
  readonly offsets: OffsetIndex
  readonly times: TimeIndex
}

/** Places where sequential readers will go on: more than these are found through the index. */
const MAX_HINTS = 64

export class Segment {
  readonly baseOffset: number
  readonly path: string
  /** The offset after the last record. */
  nextOffset: number
  /** Bytes that hold batches; everything a reader may be given lies below. */
  size: number
  /** The time of the first record, by which age is measured; -1 while the segment is empty. */
  firstTimestampMs = -1
  readonly #fs: FileSystem
  readonly #file: LogFile
  readonly #indexIntervalBytes: number
  #indexes: Indexes | null
  #youngestMs = -1
  #youngestOffset = -1
  #bytesSinceEntry = 0
  /** The next offset of a reader -> the position of the batch that begins there. */
  readonly #hints = new Map<number, number>()
  /** Whether batches may still come: the indexes then stay in memory. */
  #growing: boolean
  #lookedUpAtMs = 0

  private constructor (
    fs: FileSystem, file: LogFile, path: string, baseOffset: number, size: number, indexIntervalBytes: number, indexes: Indexes | null
  ) {
    this.#fs = fs
    this.#file = file
    this.path = path
    this.baseOffset = baseOffset
    this.nextOffset = baseOffset
    this.size = size
    this.#indexIntervalBytes = indexIntervalBytes
    this.#indexes = indexes
    this.#growing = indexes !== null
  }

  static async create (fs: FileSystem, directory: string, baseOffset: number, indexIntervalBytes: number): Promise<Segment> {
    const path = join(directory, segmentName(baseOffset))
    // What is left of a segment that could not be begun, or is gone, must not vouch for this one.
    for (const file of [path, ...indexPaths(path)]) await fs.remove(file)
    const file = await fs.open(path, true)
    await fs.syncDirectory(directory)
    return new Segment(fs, file, path, baseOffset, 0, indexIntervalBytes, emptyIndexes(baseOffset))
  }

  /** Opens a segment that is known to be sound. `nextOffset` is set by whoever knows it, or by `resume`. */
  static async open (fs: FileSystem, directory: string, baseOffset: number, indexIntervalBytes: number): Promise<Segment> {
    const path = join(directory, segmentName(baseOffset))
    const size = await fs.size(path)
    return new Segment(fs, await fs.open(path), path, baseOffset, size, indexIntervalBytes, null)
  }

  // ---- writing

  /** Writes batches behind the others. Their offsets and checks are the caller's business. */
  async append (batches: readonly RecordBatch[]): Promise<void> {
    await this.#file.write(batches.map(batch => batch.bytes), this.size)
    for (const batch of batches) this.#note(batch)
  }

  sync (): Promise<void> {
    return this.#file.sync()
  }

  /** Cuts off what lies behind `size`, whose last record is before `nextOffset`. */
  async truncate (size: number, nextOffset: number): Promise<void> {
    await this.#file.truncate(size)
    this.size = size
    this.nextOffset = nextOffset
    this.#hints.clear()
    this.#indexes?.offsets.truncate(nextOffset)
    this.#indexes?.times.truncate(nextOffset)
  }

  /** Makes the segment ready to be written: finds its end, and puts all of its index into memory. */
  async resume (): Promise<void> {
    const { offsets } = await this.#load()
    const from = offsets.positionOf(Infinity)
    for await (const { batches } of scan(this.#file, from, this.size)) this.nextOffset = batches.at(-1)!.nextOffset
    this.#youngestMs = await this.youngestTimestamp()
    this.#youngestOffset = this.nextOffset - 1
    this.firstTimestampMs = (await this.#firstBatch())?.maxTimestamp ?? -1
    this.#growing = true
  }

  /** Rebuilds the indexes from the batches, all of which are sound. */
  async reindex (): Promise<void> {
    const { size } = this
    this.size = 0
    this.#bytesSinceEntry = 0
    this.#indexes = emptyIndexes(this.baseOffset)
    for await (const { batches } of scan(this.#file, 0, size)) for (const batch of batches) this.#note(batch)
  }

  /** Puts the indexes on disk: nothing will be appended any more. Without a sync, because a lost index is rebuilt. */
  async seal (): Promise<void> {
    if (this.#indexes === null) return
    const { offsets, times } = this.#indexes
    if (this.#youngestMs >= 0) times.add(this.#youngestMs, this.#youngestOffset)
    const [offsetPath, timePath] = indexPaths(this.path)
    await this.#fs.writeFile(offsetPath, offsets.toBytes())
    await this.#fs.writeFile(timePath, times.toBytes())
    this.#growing = false
  }

  async close (): Promise<void> {
    await this.#file.close()
  }

  async remove (): Promise<void> {
    await this.#fs.remove(this.path)
    for (const path of indexPaths(this.path)) await this.#fs.remove(path)
    await this.close()
  }

  #note (batch: RecordBatch): void {
    const { lastOffset, maxTimestamp } = batch
    if (maxTimestamp > this.#youngestMs) {
      this.#youngestMs = maxTimestamp
      this.#youngestOffset = lastOffset
    }
    if (this.firstTimestampMs < 0) this.firstTimestampMs = maxTimestamp
    if (this.#bytesSinceEntry > this.#indexIntervalBytes) {
      this.#indexes!.offsets.add(lastOffset, this.size)
      this.#indexes!.times.add(this.#youngestMs, this.#youngestOffset)
      this.#bytesSinceEntry = 0
    }
    this.#bytesSinceEntry += batch.sizeBytes
    this.size += batch.sizeBytes
    this.nextOffset = lastOffset + 1
  }

  // ---- reading

  /**
   * Whole batches, the first of which holds `offset` or follows it, from below position `limit`. Not more than `maxBytes`,
   * except that `atLeastOne` brings one batch whatever its size. Every batch is checked: what the disk has spoiled is
   * never served. Throws DamagedSegmentError.
   */
  async read (offset: number, maxBytes: number, limit: number, atLeastOne: boolean): Promise<Chunks> {
    let position = this.#hints.get(offset) ?? (await this.#load()).offsets.positionOf(offset)
    let window = Math.max(maxBytes, this.#indexIntervalBytes)
    while (position < limit) {
      const buffer = await readAt(this.#file, position, Math.min(window, limit - position))
      const { batches, bytes, damaged } = soundBatches(buffer)
      const first = batches.findIndex(batch => batch.nextOffset > offset)
      if (first >= 0) return this.#take(buffer, batches, first, position, maxBytes, atLeastOne)
      position += bytes
      if (bytes > 0 && !damaged) continue
      // Either the next batch is larger than the window, or it is no batch.
      window = batchSizeAt(buffer, bytes)
      if (damaged || window <= buffer.length || window > limit - position) throw new DamagedSegmentError(this, position)
    }
    return noChunks
  }

  #take (buffer: Buffer, batches: readonly RecordBatch[], first: number, position: number, maxBytes: number, atLeastOne: boolean): Chunks {
    let start = 0
    for (let i = 0; i < first; i++) start += batches[i]!.sizeBytes
    let end = start
    let nextOffset = -1
    for (let i = first; i < batches.length; i++) {
      const { sizeBytes } = batches[i]!
      if (end - start + sizeBytes > maxBytes && !(i === first && atLeastOne)) break
      end += sizeBytes
      nextOffset = batches[i]!.nextOffset
    }
    if (end === start) return noChunks
    this.#remember(nextOffset, position + end)
    return [buffer.subarray(start, end)]
  }

  #remember (offset: number, position: number): void {
    this.#hints.delete(offset)
    this.#hints.set(offset, position)
    if (this.#hints.size <= MAX_HINTS) return
    for (const oldest of this.#hints.keys()) {
      this.#hints.delete(oldest)
      return
    }
  }

  /** The first record that is not older than `timestampMs`, or null. */
  async findTime (timestampMs: number, limit: number): Promise<TimedOffset | null> {
    const { offsets, times } = await this.#load()
    const from = offsets.positionOf(times.offsetBefore(timestampMs))
    for await (const { batches } of scan(this.#file, from, limit)) {
      for (const batch of batches) {
        if (batch.maxTimestamp < timestampMs) continue
        for (const { offset, timestampMs: found } of recordsIn(batch)) if (found >= timestampMs) return { offset, timestampMs: found }
      }
    }
    return null
  }

  /** Sound batches from `offset` to the end, in windows. */
  async * batches (offset = this.baseOffset): AsyncGenerator<readonly RecordBatch[], void, void> {
    const from = offset === this.baseOffset ? 0 : (await this.#load()).offsets.positionOf(offset)
    for await (const { batches } of scan(this.#file, from, this.size)) {
      const wanted = batches.findIndex(batch => batch.nextOffset > offset)
      if (wanted >= 0) yield wanted === 0 ? batches : batches.slice(wanted)
    }
  }

  async youngestTimestamp (): Promise<number> {
    return Math.max(this.#youngestMs, (await this.#load()).times.largestTimestamp)
  }

  async #firstBatch (): Promise<RecordBatch | undefined> {
    for await (const { batches } of scan(this.#file, 0, this.size)) return batches[0]
    return undefined
  }

  // ---- indexes

  /** Lets go of indexes that nobody has looked into since `timeMs`. Those of a segment being written stay. */
  forgetIndexes (timeMs: number): void {
    if (!this.#growing && this.#lookedUpAtMs < timeMs) this.#indexes = null
  }

  async #load (): Promise<Indexes> {
    this.#lookedUpAtMs = Date.now()
    this.#indexes ??= await this.#readIndexes()
    if (this.#indexes === null) {
      await this.reindex()
      await this.seal()
    }
    return this.#indexes!
  }

  async #readIndexes (): Promise<Indexes | null> {
    const [offsetBytes, timeBytes] = await Promise.all(indexPaths(this.path).map(async path =>
      await this.#fs.size(path) < 0 ? null : await this.#fs.readFile(path)))
    if (!offsetBytes || !timeBytes || offsetBytes.length % 8 !== 0 || timeBytes.length % 12 !== 0) return null
    const offsets = new OffsetIndex(this.baseOffset, offsetBytes)
    const times = new TimeIndex(this.baseOffset, timeBytes)
    // A power cut can leave a file that is there but empty.
    const tooFew = (offsets.count === 0 && this.size > 64 * this.#indexIntervalBytes) || (timeBytes.length === 0 && this.size > 0)
    return !tooFew && offsets.isPlausible(this.size) && times.isPlausible() ? { offsets, times } : null
  }
}

const noChunks: Chunks = []

function emptyIndexes (baseOffset: number): Indexes {
  return { offsets: new OffsetIndex(baseOffset), times: new TimeIndex(baseOffset) }
}

export function segmentName (baseOffset: number): string {
  return `${String(baseOffset).padStart(20, '0')}.log`
}

/** The base offset in a segment's file name, or null for any other file. */
export function baseOffsetIn (name: string): number | null {
  return /^\d{20}\.log$/.test(name) ? Number(name.slice(0, 20)) : null
}

function indexPaths (path: string): [offsets: string, times: string] {
  const stem = path.slice(0, -'.log'.length)
  return [`${stem}.index`, `${stem}.timeindex`]
}
