/**
 * A place in the binary encoding of a value (Avro specification, "Binary Encoding"), what is known of the walk to it, and the
 * primitive types. What skips checks and gives false with a flaw noted; what reads relies on that having been done.
 */
import { isUtf8 } from 'node:buffer'
import type { Flaw } from '../format.ts'
import { quote } from './json.ts'

/** Records, arrays and maps within each other. */
export const MAX_VALUE_DEPTH = 500
/** Items that take no bytes, such as nulls in an array: ten bytes could say that there are 2^62 of them. */
export const MAX_EMPTY_ITEMS = 100_000

const NOTHING = Buffer.alloc(0)
/** Up to here a loop is faster than a view and a call. */
const SHORT_STRING = 48

export class Cursor {
  bytes: Buffer = NOTHING
  at = 0
  end = 0
  depth = 0
  emptyItems = 0
  #expected = ''
  #found = ''
  /** The innermost first. */
  readonly #path: string[] = []

  start (bytes: Buffer): void {
    this.bytes = bytes
    this.at = 0
    this.end = bytes.length
    this.depth = 0
    this.emptyItems = 0
  }

  /** Keeps nothing of a payload that is done. */
  release (): void {
    this.bytes = NOTHING
  }

  fail (expected: string, found: string): false {
    this.#expected = expected
    this.#found = found
    this.#path.length = 0
    return false
  }

  ended (expected: string): false {
    return this.fail(expected, `the end after ${this.end} bytes`)
  }

  inField (name: string): false {
    this.#path.push(/^\w+$/.test(name) ? `.${name}` : `[${quote(name)}]`)
    return false
  }

  inItem (index: number): false {
    this.#path.push(`[${index}]`)
    return false
  }

  inEntry (key: string): false {
    this.#path.push(`[${quote(key.length > 64 ? `${key.slice(0, 64)}…` : key)}]`)
    return false
  }

  flaw (): Flaw {
    return { path: this.#path.reverse().join('').replace(/^\./, ''), expected: this.#expected, found: this.#found }
  }

  /** At most 64 bits. */
  skipLong (): boolean {
    const { bytes, end } = this
    const start = this.at
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!
      if (byte < 0x80) {
        if (at - start === 9 && byte > 1) break
        this.at = at + 1
        return true
      }
      if (at - start === 9) break
    }
    return this.#noVarint(start, 10, 'long')
  }

  /** At most 32 bits. */
  skipInt (): boolean {
    const { bytes, end } = this
    const start = this.at
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!
      if (byte < 0x80) {
        if (at - start === 4 && byte > 15) break
        this.at = at + 1
        return true
      }
      if (at - start === 4) break
    }
    return this.#noVarint(start, 5, 'int')
  }

  #noVarint (start: number, most: number, what: string): false {
    return this.end - start < most ? this.ended(what) : this.fail(what, `a number of more than ${what === 'int' ? 32 : 64} bits`)
  }

  /** A number that says how many or which: NaN with a flaw noted. Beyond 2^53 it is no longer exact, and out of every range. */
  count (what: string): number {
    const { bytes, at } = this
    if (at < this.end) {
      const byte = bytes[at]!
      if (byte < 0x80) {
        this.at = at + 1
        return (byte >>> 1) ^ -(byte & 1)
      }
    }
    if (!this.skipLong()) {
      this.#expected = what
      return NaN
    }
    return unzigzag(bytes, at, this.at)
  }

  /** How many bytes follow, which are there: -1 with a flaw noted. */
  length (what: string): number {
    const length = this.count(what)
    if (length >= 0 && length <= this.end - this.at) return length
    if (length < 0) this.fail(what, `a length of ${length}`)
    else if (length > 0) this.fail(what, `a length of ${length}, of which ${this.end - this.at} bytes are there`)
    return -1
  }

  skip (length: number, what: string): boolean {
    if (length > this.end - this.at) return this.ended(what)
    this.at += length
    return true
  }

  skipBytes (): boolean {
    const length = this.length('bytes')
    if (length < 0) return false
    this.at += length
    return true
  }

  skipBoolean (): boolean {
    if (this.at >= this.end) return this.ended('boolean')
    const byte = this.bytes[this.at]!
    if (byte > 1) return this.fail('boolean (00 or 01)', `byte ${byte.toString(16).padStart(2, '0')}`)
    this.at++
    return true
  }

  skipString (): boolean {
    const length = this.length('string')
    if (length < 0) return false
    const { bytes, at } = this
    const end = at + length
    this.at = end
    if (length <= SHORT_STRING) {
      let i = at
      while (i < end && bytes[i]! < 0x80) i++
      if (i === end) return true
    }
    return isUtf8(bytes.subarray(at, end)) || this.fail('string', 'bytes that are no UTF-8')
  }

  /** From here on nothing is checked. */

  readCount (): number {
    const { bytes, at } = this
    let next = at
    while (bytes[next]! >= 0x80) next++
    this.at = next + 1
    return next === at ? (bytes[at]! >>> 1) ^ -(bytes[at]! & 1) : unzigzag(bytes, at, next + 1)
  }

  readBigInt (): bigint {
    const { bytes } = this
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[this.at++]!
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n))
    }
  }

  /** All digits of a long. */
  readLongText (): string {
    const { at } = this
    const value = this.readCount()
    if (Number.isSafeInteger(value) && this.at - at <= 7) return String(value)
    this.at = at
    return String(this.readBigInt())
  }

  readText (): string {
    const length = this.readCount()
    const at = this.at
    this.at += length
    return length <= SHORT_STRING && isAscii(this.bytes, at, this.at) ? this.bytes.toString('latin1', at, this.at) : this.bytes.toString('utf8', at, this.at)
  }

  read (length: number): Buffer {
    const at = this.at
    this.at += length
    return this.bytes.subarray(at, this.at)
  }
}

function isAscii (bytes: Buffer, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (bytes[i]! >= 0x80) return false
  return true
}

/** Exact up to 53 bits. */
function unzigzag (bytes: Buffer, from: number, to: number): number {
  let value = 0
  for (let i = to - 1; i >= from; i--) value = value * 128 + (bytes[i]! & 0x7f)
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2
}
