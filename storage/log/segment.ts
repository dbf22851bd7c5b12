/**
 * A segment: one file of record batches and its two indexes, named after its first offset as in Kafka
 * (`00000000000000000042.log`, `.index`, `.timeindex`).
 *
 * While it is the last of its log it is written and its indexes live in memory; sealing puts them on disk. The indexes of
 * a sealed segment are read when they are first needed and dropped again when nobody has needed them for a while.
 *
 * Nothing is believed: every batch that is read is checked, against its checksum and, since that does not cover the base
 * offset, against its neighbours; and an index against the batch that it leads to.
 */
import { join } from 'node:path'
import { batchSizeAt, type RecordBatch } from '../../protocol/batch.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { ProtocolError } from '../../protocol/reader.ts'
import type { Chunks } from '../../protocol/schema.ts'
import { recordsIn } from '../../protocol/records.ts'
import type { LogObserver } from './config.ts'
import { Contents, type Indexes } from './contents.ts'
import type { FileSystem, LogFile } from './fs.ts'
import { OffsetIndex, TimeIndex, type TimeEntry } from './index.ts'
import { readAt, scan, soundBatches } from './scan.ts'

/** A segment cannot vouch for what was to be read of it. The log checks it from end to end, repairs it and reads again. */
export class DamagedSegmentError extends Error {
  override readonly name = 'DamagedSegmentError'
  readonly segment: Segment

  constructor (segment: Segment, reason: string) {
    super(`${segment.path}: ${reason}`)
    this.segment = segment
  }
}

/** A record found by its time. */
export type TimedOffset = TimeEntry

/** Where to begin reading, and what the batch there has to be: one with this base offset, or with this last offset. */
interface Place {
  readonly position: number
  readonly baseOffset: number
  readonly lastOffset: number
}

const UNKNOWN = -1
const noChunks: Chunks = []

/** Places where sequential readers will go on: more than these are found through the index. */
const MAX_HINTS = 64

export class Segment {
  readonly baseOffset: number
  readonly path: string
  readonly indexIntervalBytes: number
  /** The offset after the last record. */
  nextOffset: number
  /** Bytes of all batches. */
  size: number
  /** Whether offsets may be missing between batches. */
  hasGaps: boolean
  /** Where those end that are committed: nobody reads beyond. */
  #readableSize: number
  #readableOffset: number
  /** Of what is readable; null if that was not looked for yet. */
  #youngest: TimeEntry | null = null
  readonly #fs: FileSystem
  readonly #file: LogFile
  /** While batches may still come. */
  #contents: Contents | null = null
  #indexes: Indexes | null = null
  #loading: Promise<Indexes> | null = null
  #lookedUpAtMs = 0
  /** The next offset of a reader -> the position of the batch that begins there. */
  readonly #hints = new Map<number, number>()

  /** Over a file whose batches are known to be sound and to begin with those of `contents`. */
  constructor (fs: FileSystem, file: LogFile, path: string, contents: Contents, indexIntervalBytes: number) {
    this.#fs = fs
    this.#file = file
    this.path = path
    this.baseOffset = contents.baseOffset
    this.nextOffset = contents.nextOffset
    this.size = contents.size
    this.#readableSize = contents.size
    this.#readableOffset = contents.nextOffset
    this.#youngest = contents.youngest
    this.hasGaps = contents.hasGaps
    this.#contents = contents
    this.indexIntervalBytes = indexIntervalBytes
  }

  /** Begins an empty segment; the folder still has to be synced. */
  static async create (fs: FileSystem, directory: string, baseOffset: number, indexIntervalBytes: number): Promise<Segment> {
    const path = join(directory, segmentName(baseOffset))
    // What is left of a segment that could not be begun, or is gone, must not vouch for this one.
    for (const file of [path, ...indexPaths(path)]) await fs.remove(file)
    return new Segment(fs, await fs.open(path, true), path, new Contents(baseOffset, indexIntervalBytes), indexIntervalBytes)
  }

  /** Opens a sealed segment without a look inside. It ends at `nextOffset`; Infinity if that is not known yet. */
  static async open (
    fs: FileSystem, directory: string, baseOffset: number, nextOffset: number, indexIntervalBytes: number, mayHaveGaps: boolean
  ): Promise<Segment> {
    const path = join(directory, segmentName(baseOffset))
    const size = await fs.size(path)
    const segment = new Segment(fs, await fs.open(path), path, new Contents(baseOffset, indexIntervalBytes), indexIntervalBytes)
    segment.size = segment.#readableSize = size
    segment.nextOffset = segment.#readableOffset = nextOffset
    segment.hasGaps = mayHaveGaps
    segment.#contents = segment.#youngest = null
    return segment
  }

  // ---- writing

  /** The time of the first batch, or -1; of a segment that is being written. */
  get firstTimestampMs (): number {
    return this.#contents?.firstTimestampMs ?? -1
  }

  /** Writes batches behind the others. Their offsets and checks are the caller's business. */
  async append (batches: readonly RecordBatch[]): Promise<void> {
    const contents = this.#contents!
    await this.#file.write(batches.map(batch => batch.bytes), this.size)
    for (const batch of batches) contents.note(batch)
    this.size = contents.size
    this.nextOffset = contents.nextOffset
  }

  /** Removes what a write has left that failed. */
  async takeBack (): Promise<void> {
    await this.#file.truncate(this.size)
  }

  sync (): Promise<void> {
    return this.#file.sync()
  }

  /** Lets readers see everything that was written. */
  publish (): void {
    this.#readableSize = this.size
    this.#readableOffset = this.nextOffset
    this.#youngest = this.#contents!.youngest
  }

  /** Makes a segment that was sealed at a clean stop, and opened without its end, ready to be written. Throws DamagedSegmentError. */
  async resume (): Promise<void> {
    const indexes = await this.#load()
    let nextOffset = this.baseOffset
    for await (const batches of this.#windows(await this.#placeOf(Infinity))) nextOffset = batches.at(-1)!.nextOffset
    this.nextOffset = this.#readableOffset = nextOffset
    this.#checkIndexes(indexes)
    const contents = new Contents(this.baseOffset, this.indexIntervalBytes, indexes)
    contents.youngest = await this.youngest()
    contents.firstTimestampMs = await this.#firstTimestamp()
    contents.size = this.size
    contents.nextOffset = nextOffset
    contents.hasGaps = this.hasGaps
    this.#contents = contents
  }

  async #firstTimestamp (): Promise<number> {
    const first = await this.read(this.baseOffset, 1, true)
    return first === null ? -1 : soundBatches(first[0]!)[0]!.maxTimestamp
  }

  /**
   * Puts the indexes on disk: nothing will be appended any more. Without a sync, because a lost index is rebuilt; for the
   * same reason a failure is reported and survived.
   */
  async seal (observer: LogObserver): Promise<void> {
    if (this.#contents === null) return
    this.#contents.finish()
    const { offsets, times } = this.#contents.indexes
    const [offsetPath, timePath] = indexPaths(this.path)
    try {
      await this.#fs.writeFile(offsetPath, offsets.toBytes())
      await this.#fs.writeFile(timePath, times.toBytes())
      this.#indexes = this.#contents.indexes
      this.#contents = null
    } catch (error) {
      observer.failed(this.path, error as Error)
    }
  }

  close (): Promise<void> {
    return this.#file.close()
  }

  async remove (): Promise<void> {
    try {
      for (const path of [this.path, ...indexPaths(this.path)]) await this.#fs.remove(path)
    } finally {
      await this.close()
    }
  }

  // ---- reading

  /**
   * Whole committed batches, the first of which holds `offset` or follows it; null if there are none, which compaction can
   * bring about. Not more than `maxBytes`, except that `atLeastOne` brings one batch whatever its size. Throws
   * DamagedSegmentError.
   */
  async read (offset: number, maxBytes: number, atLeastOne: boolean): Promise<Chunks | null> {
    let place = await this.#placeOf(offset)
    let window = Math.max(maxBytes, this.indexIntervalBytes)
    for (;;) {
      const { position } = place
      const left = this.#readableSize - position
      if (left <= 0) return null
      const wanted = Math.min(window, left)
      const buffer = await readAt(this.#file, position, wanted)
      const batches = soundBatches(buffer)
      place = this.#behind(place, batches)
      const first = batches.findIndex(batch => batch.nextOffset > offset)
      if (first >= 0) return this.#take(buffer, position, batches.slice(first), maxBytes, atLeastOne)
      if (batches.length > 0) continue
      // Either the batch is larger than the window, or it is none, or the file is shorter than it was.
      window = batchSizeAt(buffer, 0)
      if (window <= wanted || window > left || buffer.length < wanted) throw new DamagedSegmentError(this, `no batch at byte ${position}`)
    }
  }

  /** As many of the batches as may be taken. `buffer` is what lies at `position`. */
  #take (buffer: Buffer, position: number, batches: readonly RecordBatch[], maxBytes: number, atLeastOne: boolean): Chunks {
    const start = batches[0]!.bytes.byteOffset - buffer.byteOffset
    let end = start
    let nextOffset = UNKNOWN
    for (const batch of batches) {
      const isTooMuch = end + batch.sizeBytes - start > maxBytes
      if (isTooMuch && !(atLeastOne && end === start)) break
      end += batch.sizeBytes
      nextOffset = batch.nextOffset
    }
    if (end === start) return noChunks
    this.#remember(nextOffset, position + end)
    return [buffer.subarray(start, end)]
  }

  /** The place behind batches that were found at a place. Throws DamagedSegmentError if they do not belong there. */
  #behind (place: Place, batches: readonly RecordBatch[]): Place {
    if (batches.length === 0) return place
    let { position, baseOffset } = place
    if (place.lastOffset !== UNKNOWN && batches[0]!.lastOffset !== place.lastOffset) {
      throw new DamagedSegmentError(this, `the index says that offset ${place.lastOffset} is at byte ${position}, where it is not`)
    }
    for (const batch of batches) {
      if (baseOffset !== UNKNOWN && batch.baseOffset !== baseOffset && !(this.hasGaps && batch.baseOffset > baseOffset)) {
        throw new DamagedSegmentError(this, `the batch at byte ${position} should begin with offset ${baseOffset}, but says ${batch.baseOffset}`)
      }
      baseOffset = batch.nextOffset
      position += batch.sizeBytes
    }
    return { position, baseOffset, lastOffset: UNKNOWN }
  }

  #remember (offset: number, position: number): void {
    this.#hints.delete(offset)
    this.#hints.set(offset, position)
    if (this.#hints.size > MAX_HINTS) this.#hints.delete(this.#hints.keys().next().value!)
  }

  get #start (): Place {
    return { position: 0, baseOffset: this.baseOffset, lastOffset: UNKNOWN }
  }

  /** At or before the batch that holds `offset`. */
  async #placeOf (offset: number): Promise<Place> {
    const hint = this.#hints.get(offset)
    if (hint !== undefined) return { position: hint, baseOffset: offset, lastOffset: UNKNOWN }
    if (offset <= this.baseOffset) return this.#start
    const entry = (await this.#load()).offsets.lookup(offset)
    return entry === null ? this.#start : { position: entry.position, baseOffset: UNKNOWN, lastOffset: entry.offset }
  }

  /** Committed batches from a place on, in windows. Throws DamagedSegmentError. */
  async * #windows (place: Place): AsyncGenerator<RecordBatch[], void, void> {
    const limit = this.#readableSize
    for await (const batches of scan(this.#file, place.position, limit)) {
      place = this.#behind(place, batches)
      yield batches
    }
    if (place.position < limit) throw new DamagedSegmentError(this, `no batch at byte ${place.position}`)
  }

  /** Committed batches from the one that holds `offset` or follows it, in windows. Throws DamagedSegmentError. */
  async * batches (offset = this.baseOffset): AsyncGenerator<readonly RecordBatch[], void, void> {
    for await (const batches of this.#windows(await this.#placeOf(offset))) {
      const wanted = batches.findIndex(batch => batch.nextOffset > offset)
      if (wanted >= 0) yield wanted === 0 ? batches : batches.slice(wanted)
    }
  }

  /**
   * Committed batches from the one that an entry of the time index speaks of, which has to be as old as the entry says.
   */
  async * #batchesFrom (entry: TimeEntry | null): AsyncGenerator<readonly RecordBatch[], void, void> {
    // The index of a segment that is being written may be ahead of what is committed.
    let isProven = entry === null || entry.offset >= this.#readableOffset
    for await (const batches of this.batches(entry?.offset)) {
      if (!isProven && (batches[0]!.baseOffset > entry!.offset || batches[0]!.maxTimestamp !== entry!.timestampMs)) break
      isProven = true
      yield batches
    }
    if (!isProven) throw new DamagedSegmentError(this, `the time index speaks of offset ${entry!.offset} at ${entry!.timestampMs}, which is not there`)
  }

  /** The first committed record from `from` on that is not older than `timestampMs`, or null. Throws DamagedSegmentError. */
  async findTime (timestampMs: number, from: number): Promise<TimedOffset | null> {
    const entry = (await this.#load()).times.lookup(timestampMs)
    for await (const batches of this.#batchesFrom(entry)) {
      for (const batch of batches) {
        if (batch.maxTimestamp < timestampMs || batch.nextOffset <= from) continue
        const found = firstSince(batch, timestampMs, from)
        if (found !== null) return found
      }
    }
    return null
  }

  /** The youngest committed batch, or a timestamp of -1 if none has one. Throws DamagedSegmentError. */
  async youngest (): Promise<TimeEntry> {
    this.#youngest ??= await this.#findYoungest()
    return this.#youngest
  }

  async #findYoungest (): Promise<TimeEntry> {
    let youngest: TimeEntry = { timestampMs: -1, offset: -1 }
    for await (const batches of this.#batchesFrom((await this.#load()).times.last)) {
      for (const { maxTimestamp, lastOffset } of batches) {
        if (maxTimestamp > youngest.timestampMs) youngest = { timestampMs: maxTimestamp, offset: lastOffset }
      }
    }
    return youngest
  }

  // ---- indexes

  /** Lets go of indexes that nobody has looked into since `timeMs`. Those of a segment being written stay. */
  forgetIndexes (timeMs: number): void {
    if (this.#contents === null && this.#lookedUpAtMs < timeMs) this.#indexes = null
  }

  async #load (): Promise<Indexes> {
    this.#lookedUpAtMs = Date.now()
    if (this.#contents !== null) return this.#contents.indexes
    if (this.#indexes !== null) return this.#indexes
    this.#loading ??= this.#readIndexes().finally(() => { this.#loading = null })
    this.#indexes = await this.#loading
    return this.#indexes
  }

  async #readIndexes (): Promise<Indexes> {
    const [offsetBytes, timeBytes] = await Promise.all(indexPaths(this.path).map(async path =>
      await this.#fs.size(path) < 0 ? null : await this.#fs.readFile(path)))
    if (!offsetBytes || !timeBytes) throw new DamagedSegmentError(this, 'an index is missing')
    try {
      const indexes = { offsets: new OffsetIndex(this.baseOffset, offsetBytes), times: new TimeIndex(this.baseOffset, timeBytes) }
      this.#checkIndexes(indexes)
      return indexes
    } catch (error) {
      throw error instanceof RangeError ? new DamagedSegmentError(this, error.message) : error
    }
  }

  #checkIndexes ({ offsets, times }: Indexes): void {
    if (!offsets.isPlausible(this.size, this.nextOffset) || !times.isPlausible(this.nextOffset)) {
      throw new DamagedSegmentError(this, 'an index makes no sense')
    }
  }
}

/** The first record in a batch from offset `from` on that is not older than `timestampMs`. */
function firstSince (batch: RecordBatch, timestampMs: number, from: number): TimedOffset | null {
  try {
    for (const { offset, timestampMs: found } of recordsIn(batch)) if (found >= timestampMs && offset >= from) return { offset, timestampMs: found }
    return null
  } catch (error) {
    if (!(error instanceof ProtocolError || error instanceof KafkaError)) throw error
    // Nobody checks what is inside a compressed batch. One that cannot be read must not keep all others from being found.
    return { offset: Math.max(batch.baseOffset, from), timestampMs: batch.maxTimestamp }
  }
}

export function segmentName (baseOffset: number): string {
  return `${String(baseOffset).padStart(20, '0')}.log`
}

/** The base offset in a segment's file name, or null for any other file. */
export function baseOffsetIn (name: string): number | null {
  return /^\d{20}\.log$/.test(name) ? Number(name.slice(0, 20)) : null
}

export function indexPaths (path: string): [offsets: string, times: string] {
  const stem = path.slice(0, -'.log'.length)
  return [`${stem}.index`, `${stem}.timeindex`]
}
