/**
 * Builds one frame as a list of chunks. Small fields are written into a scratch buffer; long byte fields are kept by
 * reference, so record bytes go from the log to the socket without a copy.
 */

/** Byte fields at least this long are chained, shorter ones copied: a chunk of its own costs more than a small copy. */
const REFERENCE_BYTES = 512
const TWO_32 = 0x100000000

export class Writer {
  #scratch: Buffer
  /** Start of the scratch bytes that are not yet a chunk. */
  #start = 0
  #position = 0
  readonly #chunks: Buffer[] = []
  #chained = 0

  constructor (initialBytes = 256) {
    this.#scratch = Buffer.allocUnsafe(initialBytes)
  }

  /** Bytes written so far. */
  get length (): number {
    return this.#chained + this.#position - this.#start
  }

  /** What was written, in order. The writer is spent afterwards. */
  finish (): Buffer[] {
    this.#seal()
    return this.#chunks
  }

  bool (value: boolean): void {
    const at = this.#reserve(1)
    this.#scratch[at] = value ? 1 : 0
  }

  int8 (value: number): void {
    const at = this.#reserve(1)
    this.#scratch.writeInt8(value, at)
  }

  int16 (value: number): void {
    const at = this.#reserve(2)
    this.#scratch.writeInt16BE(value, at)
  }

  uint16 (value: number): void {
    const at = this.#reserve(2)
    this.#scratch.writeUInt16BE(value, at)
  }

  int32 (value: number): void {
    const at = this.#reserve(4)
    this.#scratch.writeInt32BE(value, at)
  }

  uint32 (value: number): void {
    const at = this.#reserve(4)
    this.#scratch.writeUInt32BE(value, at)
  }

  int64 (value: number): void {
    const at = this.#reserve(8)
    const high = Math.floor(value / TWO_32)
    this.#scratch.writeInt32BE(high, at)
    this.#scratch.writeUInt32BE(value - high * TWO_32, at + 4)
  }

  float64 (value: number): void {
    const at = this.#reserve(8)
    this.#scratch.writeDoubleBE(value, at)
  }

  uuid (value: string): void {
    const at = this.#reserve(16)
    if (this.#scratch.write(value, at, 16, 'base64url') !== 16) throw new TypeError(`"${value}" is not a UUID of 22 base64url characters`)
  }

  uvarint (value: number): void {
    const at = this.#reserve(5)
    this.#position = writeUvarint(this.#scratch, value, at)
  }

  /** Raw bytes, without a length. */
  raw (bytes: Buffer): void {
    if (bytes.length >= REFERENCE_BYTES) {
      this.#seal()
      this.#chunks.push(bytes)
      this.#chained += bytes.length
      return
    }
    const at = this.#reserve(bytes.length)
    bytes.copy(this.#scratch, at)
  }

  /** The UTF-8 bytes of `text`, whose length the caller has already written. */
  text (text: string, byteLength: number): void {
    const at = this.#reserve(byteLength)
    this.#scratch.write(text, at, byteLength, 'utf8')
  }

  #reserve (length: number): number {
    if (this.#position + length > this.#scratch.length) this.#grow(length)
    const at = this.#position
    this.#position = at + length
    return at
  }

  #grow (length: number): void {
    const size = Math.max(this.#scratch.length * 2, length + 256)
    this.#seal()
    this.#scratch = Buffer.allocUnsafe(size)
    this.#start = 0
    this.#position = 0
  }

  #seal (): void {
    if (this.#position === this.#start) return
    this.#chunks.push(this.#scratch.subarray(this.#start, this.#position))
    this.#chained += this.#position - this.#start
    this.#start = this.#position
  }
}

/** Writes an unsigned LEB128 of at most 32 bits and returns the position after it. */
export function writeUvarint (buffer: Buffer, value: number, at: number): number {
  while (value > 0x7f) {
    buffer[at++] = (value & 0x7f) | 0x80
    value >>>= 7
  }
  buffer[at++] = value
  return at
}
