/** Bytes that grow, for values in Avro's binary encoding. */
import { PayloadError } from '../format.ts'

const START_BYTES = 1024
/** Defaults that a value need not say can make much of little. */
const MAX_BYTES = 64 * 1024 * 1024

export class Output {
  #bytes = Buffer.allocUnsafeSlow(START_BYTES)
  #at = 0

  get length (): number {
    return this.#at
  }

  /** A copy. */
  take (): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#at))
  }

  /** A copy of what was written behind `start`, in memory of its own: it may be kept for long. */
  since (start: number): Buffer {
    const copy = Buffer.allocUnsafeSlow(this.#at - start)
    this.#bytes.copy(copy, 0, start, this.#at)
    return copy
  }

  #room (length: number): void {
    const needed = this.#at + length
    if (needed <= this.#bytes.length) return
    if (needed > MAX_BYTES) throw new PayloadError({ path: '', expected: `at most ${MAX_BYTES} bytes`, found: 'more' })
    const larger = Buffer.allocUnsafeSlow(Math.min(MAX_BYTES, Math.max(needed, this.#bytes.length * 2)))
    this.#bytes.copy(larger, 0, 0, this.#at)
    this.#bytes = larger
  }

  byte (value: number): void {
    this.#room(1)
    this.#bytes[this.#at++] = value
  }

  /** A safe integer, or a bigint of 64 bits. */
  long (value: number | bigint): void {
    this.#room(10)
    // Twice the number must be exact as well.
    if (typeof value === 'number' && Math.abs(value) < 2 ** 52) {
      let rest = value < 0 ? -2 * value - 1 : 2 * value
      for (; rest >= 0x80; rest = Math.floor(rest / 128)) this.#bytes[this.#at++] = (rest % 128) | 0x80
      this.#bytes[this.#at++] = rest
      return
    }
    const long = BigInt(value)
    let rest = BigInt.asUintN(64, (long << 1n) ^ (long >> 63n))
    for (; rest >= 0x80n; rest >>= 7n) this.#bytes[this.#at++] = Number(rest & 0x7fn) | 0x80
    this.#bytes[this.#at++] = Number(rest)
  }

  float (value: number): void {
    this.#room(4)
    this.#at = this.#bytes.writeFloatLE(value, this.#at)
  }

  double (value: number): void {
    this.#room(8)
    this.#at = this.#bytes.writeDoubleLE(value, this.#at)
  }

  raw (bytes: Buffer): void {
    this.#room(bytes.length)
    this.#at += bytes.copy(this.#bytes, this.#at)
  }

  /** With its length before it. */
  text (text: string): void {
    const length = Buffer.byteLength(text)
    this.long(length)
    this.#room(length)
    this.#at += this.#bytes.write(text, this.#at)
  }
}
