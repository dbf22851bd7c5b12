/**
 * The two sparse indexes of a segment, in Kafka's format: from offset to position (8 bytes an entry: offset relative to
 * the segment's base, position) and from time to offset (12 bytes: timestamp, relative offset). Big-endian, ascending.
 *
 * They are hints that save a scan, never the truth: whoever follows an entry looks whether the segment agrees with it.
 */

const OFFSET_ENTRY_BYTES = 8
const TIME_ENTRY_BYTES = 12
const MAX_INT = 0x7fffffff

/** Ascending rows of fixed width that grow by doubling. */
class Rows {
  readonly width: number
  bytes: Buffer
  #used = 0

  constructor (width: number, bytes: Buffer = Buffer.alloc(0)) {
    this.width = width
    this.bytes = bytes
    this.#used = bytes.length
  }

  get count (): number {
    return this.#used / this.width
  }

  /** Where the next row is to be written. */
  add (): number {
    if (this.#used === this.bytes.length) {
      const larger = Buffer.alloc(Math.max(16 * this.width, this.bytes.length * 2))
      this.bytes.copy(larger)
      this.bytes = larger
    }
    const at = this.#used
    this.#used += this.width
    return at
  }

  written (): Buffer {
    return this.bytes.subarray(0, this.#used)
  }
}

/** How many of `count` ascending values are at most `target`. */
function countUpTo (count: number, valueAt: (row: number) => number, target: number): number {
  let low = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >>> 1
    if (valueAt(middle) <= target) low = middle + 1
    else high = middle
  }
  return low
}

/** `offset` is the last one of the batch that begins at `position`. */
export interface OffsetEntry {
  readonly offset: number
  readonly position: number
}

export class OffsetIndex {
  readonly #base: number
  readonly #rows: Rows

  /** Of a new segment, or as it was read from a file. Throws RangeError if that is no whole number of entries. */
  constructor (baseOffset: number, bytes?: Buffer) {
    checkLength(bytes, OFFSET_ENTRY_BYTES)
    this.#base = baseOffset
    this.#rows = new Rows(OFFSET_ENTRY_BYTES, bytes)
  }

  /** What does not fit the format is left out: an entry less only means a longer scan. */
  add (offset: number, position: number): void {
    if (position > MAX_INT || offset - this.#base > MAX_INT) return
    const at = this.#rows.add()
    this.#rows.bytes.writeInt32BE(offset - this.#base, at)
    this.#rows.bytes.writeInt32BE(position, at + 4)
  }

  /** The last entry that is not beyond `offset`. */
  lookup (offset: number): OffsetEntry | null {
    const found = countUpTo(this.#rows.count, row => this.#offsetAt(row), offset)
    return found === 0 ? null : { offset: this.#offsetAt(found - 1), position: this.#positionAt(found - 1) }
  }

  /** Whether the entries can be those of a segment of `size` bytes that ends before `nextOffset`. */
  isPlausible (size: number, nextOffset: number): boolean {
    for (let row = 0; row < this.#rows.count; row++) {
      if (this.#offsetAt(row) < this.#base || this.#offsetAt(row) >= nextOffset) return false
      if (this.#positionAt(row) < 0 || this.#positionAt(row) >= size) return false
      if (row > 0 && (this.#offsetAt(row) <= this.#offsetAt(row - 1) || this.#positionAt(row) <= this.#positionAt(row - 1))) return false
    }
    return true
  }

  get count (): number {
    return this.#rows.count
  }

  toBytes (): Buffer {
    return this.#rows.written()
  }

  #offsetAt (row: number): number {
    return this.#base + this.#rows.bytes.readInt32BE(row * OFFSET_ENTRY_BYTES)
  }

  #positionAt (row: number): number {
    return this.#rows.bytes.readInt32BE(row * OFFSET_ENTRY_BYTES + 4)
  }
}

/** No record up to `offset` is younger than `timestampMs`, which is the time of a record in the batch that holds `offset`. */
export interface TimeEntry {
  readonly timestampMs: number
  readonly offset: number
}

export class TimeIndex {
  readonly #base: number
  readonly #rows: Rows

  /** Of a new segment, or as it was read from a file. Throws RangeError if that is no whole number of entries. */
  constructor (baseOffset: number, bytes?: Buffer) {
    checkLength(bytes, TIME_ENTRY_BYTES)
    this.#base = baseOffset
    this.#rows = new Rows(TIME_ENTRY_BYTES, bytes)
  }

  /** Ignored unless it is younger than the last entry: time may stand still or go back in a log. */
  add ({ timestampMs, offset }: TimeEntry): void {
    const { last } = this
    if (!(timestampMs >= 0 && timestampMs <= Number.MAX_SAFE_INTEGER) || offset - this.#base > MAX_INT) return
    if (last !== null && (timestampMs <= last.timestampMs || offset <= last.offset)) return
    const at = this.#rows.add()
    this.#rows.bytes.writeBigInt64BE(BigInt(timestampMs), at)
    this.#rows.bytes.writeInt32BE(offset - this.#base, at + 8)
  }

  /** The last entry that is older than `timestampMs`. */
  lookup (timestampMs: number): TimeEntry | null {
    const found = countUpTo(this.#rows.count, row => this.#timestampAt(row), timestampMs - 1)
    return found === 0 ? null : this.#entryAt(found - 1)
  }

  /** The youngest of all. */
  get last (): TimeEntry | null {
    return this.#rows.count === 0 ? null : this.#entryAt(this.#rows.count - 1)
  }

  /** Whether the entries can be those of a segment that ends before `nextOffset`. */
  isPlausible (nextOffset: number): boolean {
    for (let row = 0; row < this.#rows.count; row++) {
      if (this.#offsetAt(row) < this.#base || this.#offsetAt(row) >= nextOffset || this.#timestampAt(row) < 0) return false
      if (row > 0 && (this.#timestampAt(row) <= this.#timestampAt(row - 1) || this.#offsetAt(row) <= this.#offsetAt(row - 1))) return false
    }
    return true
  }

  get count (): number {
    return this.#rows.count
  }

  toBytes (): Buffer {
    return this.#rows.written()
  }

  #entryAt (row: number): TimeEntry {
    return { timestampMs: this.#timestampAt(row), offset: this.#offsetAt(row) }
  }

  #timestampAt (row: number): number {
    return Number(this.#rows.bytes.readBigInt64BE(row * TIME_ENTRY_BYTES))
  }

  #offsetAt (row: number): number {
    return this.#base + this.#rows.bytes.readInt32BE(row * TIME_ENTRY_BYTES + 8)
  }
}

function checkLength (bytes: Buffer | undefined, width: number): void {
  if (bytes !== undefined && bytes.length % width !== 0) throw new RangeError(`${bytes.length} bytes are no whole number of entries of ${width}`)
}
