/**
 * The segments of one log in order: looked up, read through, repaired, replaced and removed.
 *
 * Whatever reads here is done again after a segment that turned out to be damaged was repaired, or one was replaced in the
 * meantime. Changes happen one after the other, and beside the writing at the end of the log as far as they do not
 * concern the segment that is written.
 */
import { join } from 'node:path'
import type { RecordBatch } from '../../protocol/batch.ts'
import type { Chunks } from '../../protocol/schema.ts'
import type { LogObserver } from './config.ts'
import type { Contents } from './contents.ts'
import { ClosedFileError, type FileSystem, type LogFile } from './fs.ts'
import { recoverSegment } from './recovery.ts'
import { DamagedSegmentError, Segment, type TimedOffset } from './segment.ts'
import { COMPACTED, DRAFT, SWAP, finishSwap } from './tidy.ts'

const noChunks: Chunks = []

/** A segment that is damaged again and again after its repair is one that cannot be read. */
const MAX_ATTEMPTS = 5

export interface SegmentsOptions {
  readonly fs: FileSystem
  readonly directory: string
  readonly observer: LogObserver
  /** Runs when nothing is being written, and keeps writes waiting until it is done. */
  readonly alone: (work: () => Promise<void>) => Promise<void>
  /** Begins a new segment behind the last one; called alone. */
  readonly roll: () => Promise<void>
  /** Nobody knows any more what is on the disk. */
  readonly fail: (error: Error) => void
}

/** A segment that was written anew and waits to replace others, as `<path of the first of them>.cleaned`; synced. */
export interface Draft {
  readonly file: LogFile
  readonly contents: Contents
}

export class Segments {
  readonly #all: Segment[]
  readonly #options: SegmentsOptions
  #changing: Promise<unknown> = Promise.resolve()
  #isClosed = false
  #isMarked = false

  constructor (all: Segment[], options: SegmentsOptions) {
    this.#all = all
    this.#options = options
  }

  get all (): readonly Segment[] { return this.#all }
  get first (): Segment { return this.#all[0]! }
  /** The one that is being written. */
  get active (): Segment { return this.#all.at(-1)! }
  get sizeBytes (): number { return this.#all.reduce((sum, segment) => sum + segment.size, 0) }

  add (segment: Segment): void {
    this.#all.push(segment)
  }

  forgetIndexes (timeMs: number): void {
    for (const segment of this.#all) segment.forgetIndexes(timeMs)
  }

  // ---- reading

  /** Does what reads segments, and does it again after one had to be repaired or was replaced. */
  async mending<T> (work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work()
      } catch (error) {
        const isDamaged = error instanceof DamagedSegmentError
        const isReplaced = error instanceof ClosedFileError && !this.#isClosed
        if (attempt === MAX_ATTEMPTS || !(isDamaged || isReplaced)) throw error
        if (isDamaged) await this.#repair(error.segment)
      }
    }
  }

  /** Whole batches from the one that holds `offset` or follows it, out of one segment. */
  async read (offset: number, maxBytes: number, atLeastOne: boolean): Promise<Chunks> {
    return await this.mending(async () => {
      for (const segment of this.#from(offset)) {
        const chunks = await segment.read(offset, maxBytes, atLeastOne)
        if (chunks !== null) return chunks
      }
      return noChunks
    })
  }

  /** The first committed record from offset `from` on that is not older than `timestampMs`, or null. */
  async findTime (timestampMs: number, from: number): Promise<TimedOffset | null> {
    return await this.mending(async () => {
      for (const segment of this.#from(from)) {
        const isYoungEnough = (await segment.youngest()).timestampMs >= timestampMs
        const found = isYoungEnough ? await segment.findTime(timestampMs, from) : null
        if (found !== null) return found
      }
      return null
    })
  }

  /** The first of the youngest committed records from offset `from` on, or null. */
  async findYoungest (from: number): Promise<TimedOffset | null> {
    return await this.mending(async () => {
      let youngest: Segment | null = null
      let timestampMs = -1
      for (const segment of this.#from(from)) {
        const entry = await segment.youngest()
        if (entry.timestampMs <= timestampMs || entry.offset < from) continue
        youngest = segment
        timestampMs = entry.timestampMs
      }
      return youngest === null ? null : await youngest.findTime(timestampMs, from)
    })
  }

  /** Committed batches from the one that holds `offset` or follows it, in windows. */
  async * batches (offset: number): AsyncGenerator<readonly RecordBatch[], void, void> {
    for (;;) {
      const window = await this.mending(() => this.#windowAt(offset))
      if (window === null) return
      yield window
      offset = window.at(-1)!.nextOffset
    }
  }

  async #windowAt (offset: number): Promise<readonly RecordBatch[] | null> {
    for (const segment of this.#from(offset)) {
      const { value } = await segment.batches(offset).next()
      if (value !== undefined) return value
    }
    return null
  }

  /** The segment that holds `offset`, and those behind it. */
  #from (offset: number): Segment[] {
    let i = this.#all.length - 1
    while (i > 0 && this.#all[i]!.baseOffset > offset) i--
    return this.#all.slice(i)
  }

  // ---- changing

  /** Deletes all segments but the last that end before `offset` or there. Returns how many these were. */
  removeBefore (offset: number): Promise<number> {
    return this.#oneByOne(async () => {
      let count = 0
      for (; this.first !== this.active && this.first.nextOffset <= offset; count++) await this.#all.shift()!.remove()
      if (count > 0) await this.#syncNames()
      return count
    })
  }

  /** Puts a draft in the place of the neighbours that it was made from; false if one of them has changed in the meantime. */
  replace (old: readonly Segment[], draft: Draft): Promise<boolean> {
    return this.#oneByOne(async () => {
      if (this.#isClosed || !old.every(segment => this.#all.includes(segment))) {
        await draft.file.close()
        await this.#options.fs.remove(old[0]!.path + DRAFT)
        return false
      }
      const segment = await this.#put(old, draft)
      this.#all.splice(this.#all.indexOf(old[0]!), old.length, segment)
      for (const one of old) await this.#close(one)
      return true
    })
  }

  async #put (old: readonly Segment[], { file, contents }: Draft): Promise<Segment> {
    const { fs, directory, observer } = this.#options
    const { path, indexIntervalBytes } = old[0]!
    try {
      if (!this.#isMarked) await fs.replaceFile(join(directory, COMPACTED), '')
      this.#isMarked = true
      await fs.rename(path + DRAFT, path + SWAP)
      await this.#syncNames()
      await this.#orFail(() => finishSwap(fs, path, old.slice(1).map(segment => segment.path)))
    } catch (error) {
      await file.close()
      throw error
    }
    const segment = new Segment(fs, file, path, contents, indexIntervalBytes)
    segment.nextOffset = old.at(-1)!.nextOffset
    await segment.seal(observer)
    return segment
  }

  /** Sets aside what a segment has lost on the disk and goes on with what is sound. */
  #repair (damaged: Segment): Promise<void> {
    return this.#oneByOne(async () => {
      if (!this.#all.includes(damaged)) return // another reader was here first
      if (damaged === this.active) await this.#options.alone(() => this.#recover(damaged))
      else await this.#recover(damaged)
    })
  }

  async #recover (damaged: Segment): Promise<void> {
    if (this.#isClosed) throw new ClosedFileError('The log is closed.')
    const { fs, directory, observer, roll } = this.#options
    const { baseOffset, nextOffset, hasGaps, indexIntervalBytes } = damaged
    const { segment, isDamaged } = await recoverSegment({
      // It has been read before: whatever is missing was there, and is no torn write.
      fs, directory, baseOffset, indexIntervalBytes, observer, endOffset: nextOffset, hasGaps, syncedOffset: Infinity
    })
    const isShort = segment.nextOffset < nextOffset && damaged === this.active
    if (isShort && !isDamaged) observer.quarantined(segment.path, 0, segment.nextOffset, nextOffset)
    segment.nextOffset = nextOffset
    this.#all[this.#all.indexOf(damaged)] = segment
    await this.#close(damaged)
    if (segment !== this.active) await segment.seal(observer)
    // Gaps are left behind in segments that are full: in the last one every offset follows on the one before.
    else if (isDamaged || isShort) await roll()
  }

  async close (): Promise<void> {
    this.#isClosed = true
    await this.#oneByOne(async () => { for (const segment of this.#all) await this.#close(segment) })
  }

  /** A file that cannot be closed is out of use all the same. */
  async #close (segment: Segment): Promise<void> {
    await segment.close().catch((error: Error) => this.#options.observer.failed(segment.path, error))
  }

  async #syncNames (): Promise<void> {
    await this.#orFail(() => this.#options.fs.syncDirectory(this.#options.directory))
  }

  async #orFail (work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#options.fail(error as Error)
      throw error
    }
  }

  async #oneByOne<T> (change: () => Promise<T>): Promise<T> {
    const mine = this.#changing.then(change)
    this.#changing = mine.catch(() => {})
    return await mine
  }
}
