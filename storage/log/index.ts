/**
 * The two sparse indexes of a segment, in Kafka's format: from offset to position (8 bytes an entry: offset relative to
 * the segment's base, position) and from time to offset (12 bytes: timestamp, relative offset). Big-endian, ascending.
 *
 * They are hints that save a scan, never the truth: kept in memory while a segment is written, put on disk when it is
 * sealed, checked when read back and rebuilt from the segment when they do not hold.
 */

const OFFSET_ENTRY_BYTES = 8
const TIME_ENTRY_BYTES = 12

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

  /** Forgets the rows from `count` on. */
  cut (count: number): void {
    this.#used = count * this.width
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

export class OffsetIndex {
  readonly #base: number
  readonly #rows: Rows

  constructor (baseOffset: number, bytes?: Buffer) {
    this.#base = baseOffset
    this.#rows = new Rows(OFFSET_ENTRY_BYTES, bytes)
  }

  /** `offset` is the last one of the batch that begins at `position`. */
  add (offset: number, position: number): void {
    const at = this.#rows.add()
    this.#rows.bytes.writeInt32BE(offset - this.#base, at)
    this.#rows.bytes.writeInt32BE(position, at + 4)
  }

  /** A position at or before the batch that holds `offset`. */
  positionOf (offset: number): number {
    const found = countUpTo(this.#rows.count, row => this.#offsetAt(row), offset)
    return found === 0 ? 0 : this.#positionAt(found - 1)
  }

  /** Forgets every entry for `offset` and beyond. */
  truncate (offset: number): void {
    this.#rows.cut(countUpTo(this.#rows.count, row => this.#offsetAt(row), offset - 1))
  }

  /** Whether the entries can be those of a segment of `size` bytes. */
  isPlausible (size: number): boolean {
    for (let row = 0; row < this.#rows.count; row++) {
      if (this.#positionAt(row) >= size) return false
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

/** An entry says: no record up to `offset` is younger than `timestampMs`. */
export class TimeIndex {
  readonly #base: number
  readonly #rows: Rows

  constructor (baseOffset: number, bytes?: Buffer) {
    this.#base = baseOffset
    this.#rows = new Rows(TIME_ENTRY_BYTES, bytes)
  }

  /** Ignored unless it is younger than the last entry: time may stand still or go back in a log. */
  add (timestampMs: number, offset: number): void {
    const { count } = this.#rows
    if (count > 0 && (timestampMs <= this.#timestampAt(count - 1) || offset <= this.#offsetAt(count - 1))) return
    const at = this.#rows.add()
    this.#rows.bytes.writeBigInt64BE(BigInt(timestampMs), at)
    this.#rows.bytes.writeInt32BE(offset - this.#base, at + 8)
  }

  /** An offset before which every record is older than `timestampMs`. */
  offsetBefore (timestampMs: number): number {
    const found = countUpTo(this.#rows.count, row => this.#timestampAt(row), timestampMs - 1)
    return found === 0 ? this.#base : this.#offsetAt(found - 1)
  }

  /** The youngest timestamp, or -1. */
  get largestTimestamp (): number {
    return this.#rows.count === 0 ? -1 : this.#timestampAt(this.#rows.count - 1)
  }

  truncate (offset: number): void {
    this.#rows.cut(countUpTo(this.#rows.count, row => this.#offsetAt(row), offset - 1))
  }

  isPlausible (): boolean {
    for (let row = 1; row < this.#rows.count; row++) {
      if (this.#timestampAt(row) <= this.#timestampAt(row - 1) || this.#offsetAt(row) <= this.#offsetAt(row - 1)) return false
    }
    return true
  }

  toBytes (): Buffer {
    return this.#rows.written()
  }

  #timestampAt (row: number): number {
    return Number(this.#rows.bytes.readBigInt64BE(row * TIME_ENTRY_BYTES))
  }

  #offsetAt (row: number): number {
    return this.#base + this.#rows.bytes.readInt32BE(row * TIME_ENTRY_BYTES + 8)
  }
}
