/**
 * A cursor over one frame. Reads Kafka's primitive types; refuses lengths that the frame cannot hold before anything is
 * allocated for them. Everything it returns for bytes is a view.
 */

/** The peer sent something that the protocol does not allow. The connection it came from cannot be trusted further. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
  readonly code = 'ERR_PROTOCOL'
}

/** Array elements that one frame may hold in all: a bound on memory, far above any real request. */
export const MAX_ELEMENTS = 250_000

const TWO_32 = 0x100000000

export class Reader {
  readonly buffer: Buffer
  position: number
  readonly end: number
  #elements = 0

  constructor (buffer: Buffer, position = 0, end = buffer.length) {
    this.buffer = buffer
    this.position = position
    this.end = end
  }

  get remaining (): number {
    return this.end - this.position
  }

  /** Moves past `length` bytes and returns where they began. */
  advance (length: number): number {
    const start = this.position
    if (length > this.end - start) {
      throw new ProtocolError(`${length} bytes expected at ${start}, but only ${this.end - start} are left`)
    }
    this.position = start + length
    return start
  }

  bool (): boolean {
    return this.buffer[this.advance(1)] !== 0
  }

  int8 (): number {
    return this.buffer.readInt8(this.advance(1))
  }

  int16 (): number {
    return this.buffer.readInt16BE(this.advance(2))
  }

  uint16 (): number {
    return this.buffer.readUInt16BE(this.advance(2))
  }

  int32 (): number {
    return this.buffer.readInt32BE(this.advance(4))
  }

  uint32 (): number {
    return this.buffer.readUInt32BE(this.advance(4))
  }

  int64 (): number {
    const at = this.advance(8)
    return toSafe(this.buffer.readInt32BE(at) * TWO_32 + this.buffer.readUInt32BE(at + 4))
  }

  float64 (): number {
    return this.buffer.readDoubleBE(this.advance(8))
  }

  uuid (): string {
    const at = this.advance(16)
    return this.buffer.toString('base64url', at, at + 16)
  }

  /** Unsigned LEB128, at most 32 bits. */
  uvarint (): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.buffer[this.advance(1)]!
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) {
        if (value >= TWO_32) break
        return value
      }
    }
    throw new ProtocolError(`a varint before ${this.position} does not fit 32 bits`)
  }

  /** Zigzag LEB128 of 32 bits. */
  varint (): number {
    const value = this.uvarint()
    return (value >>> 1) ^ -(value & 1)
  }

  /** Zigzag LEB128 of 64 bits, as a safe integer. */
  varlong (): number {
    // The lowest bit is the sign. It is kept apart, because with it the sum would need 54 bits.
    let byte = this.buffer[this.advance(1)]!
    const isNegative = (byte & 1) === 1
    let value = (byte & 0x7f) >>> 1
    for (let shift = 6; ; shift += 7) {
      if (byte < 0x80) return toSafe(isNegative ? -value - 1 : value)
      if (shift > 62) break
      byte = this.buffer[this.advance(1)]!
      value += (byte & 0x7f) * 2 ** shift
    }
    throw new ProtocolError(`a varint before ${this.position} does not fit 64 bits`)
  }

  /** A view of the next `length` bytes. */
  slice (length: number): Buffer {
    const at = this.advance(length)
    return this.buffer.subarray(at, at + length)
  }

  text (length: number): string {
    const at = this.advance(length)
    return this.buffer.toString('utf8', at, at + length)
  }

  /** Checks an element count against the bytes left, before anything is allocated for it. */
  checkCount (count: number, minElementBytes: number): number {
    if (count * minElementBytes > this.remaining) {
      throw new ProtocolError(`an array of ${count} elements cannot fit the ${this.remaining} bytes left`)
    }
    this.#elements += count
    if (this.#elements > MAX_ELEMENTS) throw new ProtocolError(`more than ${MAX_ELEMENTS} array elements in one frame`)
    return count
  }
}

function toSafe (value: number): number {
  if (!Number.isSafeInteger(value)) throw new ProtocolError(`the integer ${value} is beyond 2^53`)
  return value
}
