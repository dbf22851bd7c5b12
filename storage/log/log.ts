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
import { type RecordBatch } from '../../protocol/batch.ts'
import { type Chunks } from '../../protocol/schema.ts'
import { type Durability, type LogConfig, type LogObserver } from './config.ts'
import { type FileSystem } from './fs.ts'
import { DamagedSegmentError, Segment, type TimedOffset } from './segment.ts'
import { recoverSegment, segmentsIn } from './recovery.ts'
import { Tail, type TailBudget } from './tail.ts'
import { Waiters } from './waiters.ts'

export interface LogOptions {
  readonly directory: string
  readonly fs: FileSystem
  readonly config: LogConfig
  readonly durability: Durability
  readonly tailBudget: TailBudget
  readonly observer: LogObserver
  /** Segments from this offset on are checked batch by batch; those before it were synced. Infinity after a clean stop. */
  readonly recoveryPoint?: number
  /** Records before this offset were deleted by request. */
  readonly startOffset?: number
  /** Called before the first batch of a new segment is written. */
  readonly onRoll?: (baseOffset: number) => Promise<void>
  /** Called when batches that were appended have been taken back. */
  readonly onTruncate?: (offset: number) => void
}

/** Kafka's leader epoch. There is one leader here, which never changes. */
export const LEADER_EPOCH = 0

export class Log {
  readonly directory: string
  config: LogConfig
  readonly #options: LogOptions
  readonly #fs: FileSystem
  readonly #tail: Tail
  #segments: Segment[]
  #start: number
  #end: number
  readonly #written: Waiters
  readonly #committed: Waiters
  /** The bytes of the last segment that committed batches take. */
  #committedSize: number
  /** Bytes that are written but not committed. */
  #uncommittedBytes = 0
  #recoveryPoint: number
  #pending: RecordBatch[] = []
  /** What is under way on the last segment: a round of writes, or work that must have it alone. */
  #busy: Promise<void> | null = null
  #failure: Error | null = null
  #closed = false
  /** Called whenever `bytes` more can be read. */
  onCommit: (bytes: number) => void = () => {}

  private constructor (options: LogOptions, segments: Segment[]) {
    this.#options = options
    this.directory = options.directory
    this.config = options.config
    this.#fs = options.fs
    this.#tail = new Tail(options.tailBudget)
    this.#segments = segments
    const { nextOffset, size } = segments.at(-1)!
    this.#start = Math.max(options.startOffset ?? 0, segments[0]!.baseOffset)
    this.#end = nextOffset
    this.#written = new Waiters(nextOffset)
    this.#committed = new Waiters(nextOffset)
    this.#committedSize = size
    this.#recoveryPoint = Math.min(options.recoveryPoint ?? 0, nextOffset)
  }

  /** Opens the log in a folder, or begins one. Rejects if the folder cannot be read or written. */
  static async open (options: LogOptions): Promise<Log> {
    const { directory, fs, config, recoveryPoint = 0, startOffset = 0, observer } = options
    await fs.makeDirectory(directory)
    const bases = await segmentsIn(fs, directory)
    const segments: Segment[] = []
    for (const [i, base] of bases.entries()) {
      const isLast = i === bases.length - 1
      const end = bases[i + 1] ?? Infinity
      const segment = end <= recoveryPoint || recoveryPoint === Infinity
        ? await Segment.open(fs, directory, base, config.indexIntervalBytes)
        : await recoverSegment({ fs, directory, baseOffset: base, indexIntervalBytes: config.indexIntervalBytes, observer, mayBeTorn: isLast })
      if (isLast) await segment.resume()
      else segment.nextOffset = end
      segments.push(segment)
    }
    if (segments.length === 0) segments.push(await Segment.create(fs, directory, startOffset, config.indexIntervalBytes))
    return new Log(options, segments)
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
  get segmentCount (): number { return this.#segments.length }
  get sizeBytes (): number { return this.#segments.reduce((sum, segment) => sum + segment.size, 0) }
  get segments (): readonly Segment[] { return this.#segments }
  get #active (): Segment { return this.#segments.at(-1)! }

  // ---- appending

  /**
   * Takes a batch, gives it the next offsets and returns the first. The bytes belong to the log from now on. Wait for
   * `written` or `committed` before acknowledging. Throws KafkaError KAFKA_STORAGE_ERROR if the disk has failed.
   */
  append (batch: RecordBatch): number {
    if (this.#failure !== null || this.#closed) throw storageError(this.#failure)
    const baseOffset = this.#end
    batch.stamp(baseOffset, LEADER_EPOCH)
    this.#end = baseOffset + batch.lastOffsetDelta + 1
    this.#tail.push(batch)
    this.#pending.push(batch)
    this.#options.observer.appended(batch.sizeBytes)
    this.#busy ??= this.#write()
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

  async #write (): Promise<void> {
    // After this turn of the event loop: requests that came together go out together.
    await new Promise(resolve => setImmediate(resolve))
    while (this.#pending.length > 0 && this.#failure === null) {
      const batches = this.#pending
      this.#pending = []
      try {
        await this.#writeRound(batches)
      } catch (error) {
        if (this.#failure === null) await this.#takeBack(error as Error)
      }
      if (this.#failure === null && this.#written.reached > this.#committed.reached) await this.#commit()
    }
    this.#busy = null
  }

  async #writeRound (batches: readonly RecordBatch[]): Promise<void> {
    let from = 0
    let size = this.#active.size
    for (const [i, batch] of batches.entries()) {
      if (size > 0 && this.#isFull(size, batch)) {
        await this.#writeRun(batches.slice(from, i))
        await this.#roll(batch.baseOffset)
        from = i
        size = 0
      }
      size += batch.sizeBytes
    }
    await this.#writeRun(from === 0 ? batches : batches.slice(from))
  }

  async #writeRun (batches: readonly RecordBatch[]): Promise<void> {
    if (batches.length === 0) return
    const before = this.#active.size
    await this.#active.append(batches)
    this.#uncommittedBytes += this.#active.size - before
    this.#written.reach(this.#active.nextOffset)
  }

  async #commit (): Promise<void> {
    const { size, nextOffset } = this.#active
    if (this.#options.durability === 'fsync' && !await this.#sync(this.#active)) return
    this.#committedSize = size
    this.#committed.reach(nextOffset)
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
    this.#options.observer.failed(this.#active.path, error)
    try {
      await this.#active.truncate(this.#active.size, this.#written.reached)
    } catch (cause) {
      this.#fail(cause as Error)
      return
    }
    this.#pending = []
    this.#end = this.#written.reached
    this.#tail.clear()
    this.#options.onTruncate?.(this.#end)
    this.#written.refuse(storageError(error))
    // Those who wait for no more than what was written still get it.
    if (this.#written.reached > this.#committed.reached) await this.#commit()
    this.#committed.refuse(storageError(error))
  }

  #fail (error: Error): void {
    this.#failure = error
    this.#options.observer.failed(this.#active.path, error)
    this.#written.refuse(storageError(error))
    this.#committed.refuse(storageError(error))
  }

  // ---- segments

  #isFull (size: number, batch: RecordBatch): boolean {
    const { segmentBytes, segmentMs } = this.config
    return size + batch.sizeBytes > segmentBytes ||
      batch.lastOffset - this.#active.baseOffset > 0x7fffffff ||
      batch.maxTimestamp - this.#active.firstTimestampMs > segmentMs
  }

  async #roll (baseOffset: number): Promise<void> {
    const { durability, onRoll, observer } = this.#options
    const full = this.#active
    if (durability === 'fsync') {
      await this.#commit()
      if (this.#failure !== null) throw this.#failure
    }
    this.#segments.push(await Segment.create(this.#fs, this.directory, baseOffset, this.config.indexIntervalBytes))
    this.#committedSize = 0
    // Neither is needed to read the log again, only to do it quickly: a failure is reported and survived.
    await Promise.all([full.seal(), onRoll?.(baseOffset)]).catch(error => observer.failed(full.path, error as Error))
    if (durability === 'fsync') this.#recoveryPoint = baseOffset
    else void this.#sync(full).then(synced => { if (synced) this.#recoveryPoint = Math.max(this.#recoveryPoint, baseOffset) })
  }

  /** Runs when nothing is being written, and keeps writes waiting until it is done. */
  async #alone<T> (work: () => Promise<T>): Promise<T> {
    while (this.#busy !== null) await this.#busy
    const running = work()
    this.#busy = running.then(() => {}, () => {})
    try {
      return await running
    } finally {
      this.#busy = this.#pending.length > 0 ? this.#write() : null
    }
  }

  // ---- reading

  /**
   * Whole batches from the one that holds `offset`, as far as they are committed; at once from memory, else from the file.
   * Not more than `maxBytes`, except that `atLeastOne` brings one batch whatever its size. Throws KafkaError
   * OFFSET_OUT_OF_RANGE.
   */
  read (offset: number, maxBytes: number, atLeastOne: boolean): Chunks | Promise<Chunks> {
    const end = this.#committed.reached
    if (offset < this.#start || offset > end) throw outOfRange(offset, this)
    if (offset === end) return noChunks
    return this.#tail.read(offset, end, maxBytes, atLeastOne) ?? this.#readFile(offset, maxBytes, atLeastOne)
  }

  async #readFile (offset: number, maxBytes: number, atLeastOne: boolean): Promise<Chunks> {
    for (let i = this.#segmentOf(offset); i < this.#segments.length; i++) {
      const segment = this.#segments[i]!
      try {
        const chunks = await segment.read(offset, maxBytes, this.#limitOf(segment), atLeastOne)
        // Compaction can leave a segment without anything behind `offset`.
        if (chunks.length > 0 || !atLeastOne) return chunks
      } catch (error) {
        if (!(error instanceof DamagedSegmentError)) throw error
        await this.#repair(segment)
        i--
      }
    }
    return noChunks
  }

  /** Sets aside what a segment has lost on the disk and goes on with what is sound. */
  #repair (damaged: Segment): Promise<void> {
    return this.#alone(async () => {
      const i = this.#segments.indexOf(damaged)
      if (i === -1) return // another reader was here first
      const repaired = await recoverSegment({
        fs: this.#fs,
        directory: this.directory,
        baseOffset: damaged.baseOffset,
        indexIntervalBytes: this.config.indexIntervalBytes,
        observer: this.#options.observer,
        // What was committed is worth keeping even at the very end: this is no torn write.
        mayBeTorn: false
      })
      const isActive = damaged === this.#active
      if (isActive) {
        await repaired.resume()
        this.#committedSize = repaired.size
      }
      repaired.nextOffset = damaged.nextOffset
      this.#segments[i] = repaired
      await damaged.close()
    })
  }

  #segmentOf (offset: number): number {
    let i = this.#segments.length - 1
    while (i > 0 && this.#segments[i]!.baseOffset > offset) i--
    return i
  }

  #limitOf (segment: Segment): number {
    return segment === this.#active ? this.#committedSize : segment.size
  }

  /** The first committed record that is not older than `timestampMs`, or null. */
  async findTime (timestampMs: number): Promise<TimedOffset | null> {
    for (const segment of [...this.#segments]) {
      if (await segment.youngestTimestamp() < timestampMs) continue
      const found = await segment.findTime(timestampMs, this.#limitOf(segment))
      if (found !== null && found.offset >= this.#start) return found
    }
    return null
  }

  /** The first of the youngest committed records, or null. */
  async findYoungest (): Promise<TimedOffset | null> {
    const youngest = await Promise.all(this.#segments.map(segment => segment.youngestTimestamp()))
    const timestampMs = Math.max(...youngest)
    return timestampMs < 0 ? null : await this.findTime(timestampMs)
  }

  /** Committed batches from `offset` on, in windows: for replaying state. */
  async * batches (offset: number): AsyncGenerator<readonly RecordBatch[], void, void> {
    for (const segment of this.#segments.slice(this.#segmentOf(offset))) yield * segment.batches(offset)
  }

  // ---- deleting

  /** Deletes the records before `offset`; their segments go at the next retention. Throws KafkaError OFFSET_OUT_OF_RANGE. */
  deleteBefore (offset: number): void {
    if (offset > this.committedOffset) throw outOfRange(offset, this)
    this.#start = Math.max(this.#start, offset)
  }

  /** Begins a new segment, so that what was the last one can be deleted or compacted. */
  async rollNow (): Promise<void> {
    await this.#alone(async () => {
      if (this.#active.size > 0 && this.#failure === null && !this.#closed) await this.#roll(this.#end)
    })
  }

  /** Deletes the first segments, but never the last one. */
  async removeFirst (count: number): Promise<void> {
    const gone = this.#segments.splice(0, Math.min(count, this.#segments.length - 1))
    if (gone.length === 0) return
    this.#start = Math.max(this.#start, this.#segments[0]!.baseOffset)
    for (const segment of gone) await segment.remove()
    await this.#fs.syncDirectory(this.directory)
  }

  /** Puts a compacted segment in the place of those it was made from; the first of them has its file name. */
  async replace (old: readonly Segment[], compacted: Segment): Promise<void> {
    const at = this.#segments.indexOf(old[0]!)
    if (at === -1) return await compacted.close() // deleted by retention in the meantime
    this.#segments.splice(at, old.length, compacted)
    await old[0]!.close()
    for (const segment of old.slice(1)) await segment.remove()
    await this.#fs.syncDirectory(this.directory)
  }

  /** Lets go of indexes that nobody has looked into since `timeMs`. */
  forgetIndexes (timeMs: number): void {
    for (const segment of this.#segments) segment.forgetIndexes(timeMs)
  }

  /** Finishes what is under way and makes everything durable. */
  async close (): Promise<void> {
    this.#closed = true
    while (this.#busy !== null) await this.#busy
    if (this.#failure === null && this.#end > this.#recoveryPoint && await this.#sync(this.#active)) this.#recoveryPoint = this.#end
    await this.#active.seal()
    this.#tail.clear()
    for (const segment of this.#segments) await segment.close()
  }
}

const noChunks: Chunks = []

function storageError (cause: Error | null): KafkaError {
  return new KafkaError('KAFKA_STORAGE_ERROR', cause === null ? 'The log is closed.' : `The disk failed: ${cause.message}`, { cause })
}

function outOfRange (offset: number, log: Log): KafkaError {
  return new KafkaError('OFFSET_OUT_OF_RANGE', `Offset ${offset} is outside the log, which holds ${log.startOffset} to ${log.committedOffset}.`)
}
