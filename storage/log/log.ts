/**
 * The log of one partition: segments in a folder, appended at one end and deleted from the other.
 *
 * Appending assigns offsets at once and writes in rounds: what arrives while a round is on its way goes out together in
 * the next one, with one write and, where `fsync` is asked for, one fdatasync for all of it (group commit). A record is
 * `committed`, and can be read, when its round is through.
 *
 * When a write fails (a full disk, say) the round's batches are taken back and their callers told; the log goes on with
 * the next append. When a sync fails nobody knows what is on the disk any more, and trying again would only hide it: the
 * log acknowledges nothing until it is opened anew.
 */
import { KafkaError } from '../../protocol/errors.ts'
import type { RecordBatch } from '../../protocol/batch.ts'
import type { Chunks } from '../../protocol/schema.ts'
import type { Durability, LogConfig, LogObserver } from './config.ts'
import { ClosedFileError, type FileSystem } from './fs.ts'
import { openSegments } from './open.ts'
import { Segment, type TimedOffset } from './segment.ts'
import { Segments, type Draft } from './segments.ts'
import { Tail, type TailBudget } from './tail.ts'
import { Turns } from './turns.ts'
import { Waiters } from './waiters.ts'

export interface LogOptions {
  readonly directory: string
  readonly fs: FileSystem
  readonly config: LogConfig
  readonly durability: Durability
  readonly tailBudget: TailBudget
  readonly observer: LogObserver
  /** What `recoveryPoint` was: everything before was synced, so its segments are not checked. Infinity: a clean stop. */
  readonly recoveryPoint?: number
  /** The log was closed properly: no segment is checked unless there is reason to. */
  readonly wasClean?: boolean
  /** Records before this offset were deleted by request. */
  readonly startOffset?: number
  /** Called before the first batch of a new segment is written. */
  readonly onRoll?: (baseOffset: number) => Promise<void>
  /** Called when batches that were appended have been taken back. */
  readonly onTruncate?: (offset: number) => void
}

/** Kafka's leader epoch. There is one leader here, which never changes. */
export const LEADER_EPOCH = 0

/** How far offsets in one segment may be apart: its indexes have no room for more. */
const MAX_RELATIVE_OFFSET = 0x7fffffff

export class Log {
  readonly directory: string
  config: LogConfig
  readonly #options: LogOptions
  readonly #tail: Tail
  readonly #segments: Segments
  #start: number
  #end: number
  readonly #written: Waiters
  readonly #committed: Waiters
  /** Bytes that are written but not committed. */
  #uncommittedBytes = 0
  #recoveryPoint: number
  #pending: RecordBatch[] = []
  readonly #turns = new Turns(() => this.#pending.length > 0, () => this.#round())
  /** Syncs of full segments that nobody waits for. */
  #settling: Promise<void> = Promise.resolve()
  #failure: Error | null = null
  #closing: Promise<void> | null = null
  /** Called whenever `bytes` more can be read. */
  onCommit: (bytes: number) => void = () => {}

  private constructor (options: LogOptions, segments: Segment[]) {
    const { directory, config, fs, tailBudget, observer, startOffset = 0, recoveryPoint = 0 } = options
    const { nextOffset } = segments.at(-1)!
    this.#options = options
    this.directory = directory
    this.config = config
    this.#tail = new Tail(tailBudget)
    this.#segments = new Segments(segments, {
      fs,
      directory,
      observer,
      alone: work => this.#failure === null ? this.#turns.alone(work) : Promise.reject(storageError(this.#failure)),
      roll: () => this.#roll(),
      fail: error => this.#fail(error)
    })
    // A beginning beyond the end is nothing that this log has ever said: what is there is shown.
    this.#start = Math.max(segments[0]!.baseOffset, startOffset <= nextOffset ? startOffset : 0)
    this.#end = nextOffset
    this.#written = new Waiters(nextOffset)
    this.#committed = new Waiters(nextOffset)
    this.#recoveryPoint = Math.min(recoveryPoint, nextOffset)
  }

  /** Opens the log in a folder, or begins one. Rejects if the folder cannot be read or written. */
  static async open (options: LogOptions): Promise<Log> {
    const { recoveryPoint = 0, startOffset = 0, wasClean = recoveryPoint === Infinity } = options
    const syncedOffset = recoveryPoint === Infinity ? 0 : recoveryPoint
    return new Log(options, await openSegments({ ...options, recoveryPoint: syncedOffset, startOffset, wasClean }))
  }

  /** The first offset that can be read. */
  get startOffset (): number { return this.#start }
  /** The offset that the next record will get. */
  get endOffset (): number { return this.#end }
  /** Kafka's high watermark: records before it can be read and will stay. */
  get committedOffset (): number { return this.#committed.reached }
  /** Segments before this offset were synced and need no check at the next start. */
  get recoveryPoint (): number { return this.#recoveryPoint }
  get failure (): Error | null { return this.#failure }
  get segmentCount (): number { return this.#segments.all.length }
  get sizeBytes (): number { return this.#segments.sizeBytes }
  get segments (): readonly Segment[] { return this.#segments.all }

  // ---- appending

  /**
   * Takes a batch, gives it the next offsets and returns the first. The bytes belong to the log from now on. Wait for
   * `written` or `committed` before acknowledging, and ask for that at once: an offset that is taken back is given out
   * again. Throws KafkaError KAFKA_STORAGE_ERROR if the disk has failed.
   */
  append (batch: RecordBatch): number {
    if (this.#failure !== null || this.#closing !== null) throw storageError(this.#failure)
    const baseOffset = this.#end
    batch.stamp(baseOffset, LEADER_EPOCH)
    this.#end = batch.nextOffset
    this.#tail.push(batch)
    this.#pending.push(batch)
    this.#options.observer.appended(batch.sizeBytes)
    this.#turns.wake()
    return baseOffset
  }

  /** Resolves when every record before `offset` is in the file. Rejects with KafkaError KAFKA_STORAGE_ERROR. */
  written (offset: number): Promise<void> {
    return this.#written.until(offset)
  }

  /** Resolves when every record before `offset` is as durable as the log promises. Rejects likewise. */
  committed (offset: number): Promise<void> {
    return this.#committed.until(offset)
  }

  /** Writes what is pending and makes it durable. */
  async #round (): Promise<void> {
    const batches = this.#pending
    this.#pending = []
    try {
      await this.#write(batches)
    } catch (error) {
      if (this.#failure === null) await this.#takeBack(error as Error)
    }
    await this.#commit()
  }

  /** Writes batches, into as many segments as they need. */
  async #write (batches: readonly RecordBatch[]): Promise<void> {
    let { size, firstTimestampMs, baseOffset } = this.#segments.active
    let from = 0
    for (let i = 0; i < batches.length; i++) {
      const batch = batches[i]!
      const isFull = size + batch.sizeBytes > this.config.segmentBytes || batch.lastOffset - baseOffset > MAX_RELATIVE_OFFSET
      const isOld = firstTimestampMs >= 0 && batch.maxTimestamp - firstTimestampMs > this.config.segmentMs
      if (size > 0 && (isFull || isOld)) {
        await this.#writeRun(batches.slice(from, i))
        await this.#roll()
        from = i
        size = 0
        firstTimestampMs = -1
        baseOffset = batch.baseOffset
      }
      if (firstTimestampMs < 0) firstTimestampMs = batch.maxTimestamp
      size += batch.sizeBytes
    }
    await this.#writeRun(from === 0 ? batches : batches.slice(from))
  }

  async #writeRun (batches: readonly RecordBatch[]): Promise<void> {
    if (batches.length === 0) return
    const { active } = this.#segments
    const before = active.size
    await active.append(batches)
    this.#uncommittedBytes += active.size - before
    this.#written.reach(active.nextOffset)
  }

  /** Makes what was written durable, as far as that is promised, and lets readers have it. */
  async #commit (): Promise<void> {
    if (this.#failure !== null || this.#written.reached === this.#committed.reached) return
    const { active } = this.#segments
    if (this.#options.durability === 'fsync' && !await this.#sync(active)) return
    active.publish()
    this.#committed.reach(active.nextOffset)
    const bytes = this.#uncommittedBytes
    this.#uncommittedBytes = 0
    this.onCommit(bytes)
  }

  /** Whether it worked. If not, the log has failed. */
  async #sync (segment: Segment): Promise<boolean> {
    const startedAt = performance.now()
    try {
      await segment.sync()
      this.#options.observer.synced(performance.now() - startedAt)
      return true
    } catch (error) {
      this.#fail(error as Error)
      return false
    }
  }

  /** A write failed: the file is cut back to what was written before, and everyone behind that is told. */
  async #takeBack (error: Error): Promise<void> {
    const { active } = this.#segments
    this.#options.observer.failed(active.path, error)
    try {
      await active.takeBack()
    } catch (cause) {
      this.#fail(cause as Error)
      return
    }
    this.#pending = []
    this.#end = this.#written.reached
    this.#tail.clear()
    this.#options.onTruncate?.(this.#end)
    const refusal = storageError(error)
    this.#written.refuse(refusal)
    this.#committed.refuse(refusal, this.#end)
  }

  #fail (error: Error): void {
    if (this.#failure !== null) return
    this.#failure = error
    this.#pending = []
    this.#options.observer.failed(this.#segments.active.path, error)
    const failed = storageError(error)
    this.#written.end(failed)
    this.#committed.end(failed)
  }

  // ---- segments

  /** Begins a new segment. Throws if it cannot, which leaves the last one as it is. */
  async #roll (): Promise<void> {
    const { fs, durability, onRoll, observer } = this.#options
    await this.#commit()
    if (this.#failure !== null) throw this.#failure
    const full = this.#segments.active
    const baseOffset = full.nextOffset
    const next = await Segment.create(fs, this.directory, baseOffset, this.config.indexIntervalBytes)
    try {
      await fs.syncDirectory(this.directory)
    } catch (error) {
      await next.close()
      this.#fail(error as Error)
      throw error
    }
    this.#segments.add(next)
    await full.seal(observer)
    // What is kept here for the next start only makes it quicker: a failure is reported and survived.
    await onRoll?.(baseOffset).catch((error: Error) => observer.failed(this.directory, error))
    if (durability === 'fsync') this.#recoveryPoint = baseOffset
    else this.#settling = this.#settling.then(() => this.#settle(full))
  }

  /** Syncs a full segment in the background, so that the next start need not check it. */
  async #settle (full: Segment): Promise<void> {
    // One that is gone has been removed, or replaced by another that was synced.
    const isGone = !this.#segments.all.includes(full)
    if (this.#failure === null && (isGone || await this.#sync(full))) this.#recoveryPoint = full.nextOffset
  }

  /** Begins a new segment, so that what was the last one can be deleted or compacted. */
  rollNow (): Promise<void> {
    return this.#turns.alone(async () => {
      if (this.#segments.active.size > 0 && this.#failure === null && this.#closing === null) await this.#roll()
    })
  }

  /** Deletes the records before `offset`; their segments go at the next retention. Throws KafkaError OFFSET_OUT_OF_RANGE. */
  deleteBefore (offset: number): void {
    if (offset > this.committedOffset) throw outOfRange(offset, this)
    this.#start = Math.max(this.#start, offset)
  }

  /** Deletes the segments that end before `offset` or there, but never the last one. Returns how many these were. */
  async removeBefore (offset: number): Promise<number> {
    const removing = this.#segments.removeBefore(offset)
    this.#start = Math.max(this.#start, Math.min(offset, this.#segments.active.baseOffset))
    return await removing
  }

  /** Puts a compacted segment in the place of those it was made from; false if these have changed in the meantime. */
  replace (old: readonly Segment[], draft: Draft): Promise<boolean> {
    return this.#segments.replace(old, draft)
  }

  /** Lets go of indexes that nobody has looked into since `timeMs`. */
  forgetIndexes (timeMs: number): void {
    this.#segments.forgetIndexes(timeMs)
  }

  // ---- reading

  /**
   * Whole batches from the one that holds `offset`, as far as they are committed; at once from memory, else from the file.
   * Not more than `maxBytes`, except that `atLeastOne` brings one batch whatever its size. Throws KafkaError
   * OFFSET_OUT_OF_RANGE, or KAFKA_STORAGE_ERROR if the disk cannot be read.
   */
  read (offset: number, maxBytes: number, atLeastOne: boolean): Chunks | Promise<Chunks> {
    const end = this.#committed.reached
    if (offset < this.#start || offset > end) throw outOfRange(offset, this)
    this.#tail.expectReaders()
    if (offset === end) return noChunks
    return this.#tail.read(offset, end, maxBytes, atLeastOne) ?? this.#fromDisk(async () => {
      const chunks = await this.#segments.read(offset, maxBytes, atLeastOne)
      if (offset < this.#start) throw outOfRange(offset, this) // deleted while we read
      return chunks
    })
  }

  /** The first committed record that is not older than `timestampMs`, or null. Rejects with KAFKA_STORAGE_ERROR. */
  findTime (timestampMs: number): Promise<TimedOffset | null> {
    return this.#fromDisk(() => this.#segments.findTime(timestampMs, this.#start))
  }

  /** The first of the youngest committed records, or null. Rejects with KAFKA_STORAGE_ERROR. */
  findYoungest (): Promise<TimedOffset | null> {
    return this.#fromDisk(() => this.#segments.findYoungest(this.#start))
  }

  /** Committed batches from the one that holds `offset` or follows it, in windows: for replaying state. */
  batches (offset: number): AsyncGenerator<readonly RecordBatch[], void, void> {
    return this.#segments.batches(offset)
  }

  /** Does what reads `segments`, and does it again when one of them had to be repaired or was replaced. */
  mending<T> (work: () => Promise<T>): Promise<T> {
    return this.#segments.mending(work)
  }

  async #fromDisk<T> (work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (error instanceof KafkaError) throw error
      if (error instanceof ClosedFileError) throw storageError(null)
      this.#options.observer.failed(this.directory, error as Error)
      throw storageError(error as Error)
    }
  }

  // ---- closing

  /** Finishes what is under way and makes everything durable. */
  close (): Promise<void> {
    this.#closing ??= this.#turns.alone(() => this.#finish()).then(() => this.#segments.close())
    return this.#closing
  }

  async #finish (): Promise<void> {
    while (this.#pending.length > 0) await this.#round()
    await this.#settling
    const { active } = this.#segments
    const isSynced = this.#options.durability === 'fsync' || this.#recoveryPoint === this.#end
    if (this.#failure === null && (isSynced || await this.#sync(active))) this.#recoveryPoint = this.#end
    await active.seal(this.#options.observer)
    this.#letGo()
  }

  /** Lets go of everything and finishes nothing: the folder is to be removed. */
  discard (): Promise<void> {
    this.#closing ??= this.#turns.alone(async () => this.#letGo()).then(() => this.#segments.close())
    return this.#closing
  }

  #letGo (): void {
    this.#pending = []
    this.#tail.clear()
    const closed = storageError(this.#failure)
    this.#written.end(closed)
    this.#committed.end(closed)
  }
}

const noChunks: Chunks = []

function storageError (cause: Error | null): KafkaError {
  return new KafkaError('KAFKA_STORAGE_ERROR', cause === null ? 'The log is closed.' : `The disk failed: ${cause.message}`, { cause })
}

function outOfRange (offset: number, log: Log): KafkaError {
  return new KafkaError('OFFSET_OUT_OF_RANGE', `Offset ${offset} is outside the log, which holds ${log.startOffset} to ${log.committedOffset}.`)
}
