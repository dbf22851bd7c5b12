/**
 * Cuts what a broker sends into frames, out of memory that is used again for what comes next: each frame is copied once, into
 * memory of its own. All connections read into the same large piece, so that a large answer takes few reads.
 */
import { FrameLengthError } from '../../protocol/frame.ts'
import { ProtocolError } from '../../protocol/reader.ts'

const LENGTH_BYTES = 4
/** What is set aside for a frame beyond what has come of it: of a length that was only announced, no more. */
const AHEAD_BYTES = 8 * 1024 * 1024
/** Small frames share memory, as they are soon gone. */
const SMALL_BYTES = 4096
const MAX_FRAME_BYTES = 0x7fffffff

/** Every connection reads into this, and has taken what it holds before the next one reads. */
export const inlet: Uint8Array = Buffer.allocUnsafeSlow(1024 * 1024)

export class FrameAssembler {
  readonly #head = Buffer.alloc(LENGTH_BYTES)
  #headBytes = 0
  #frame: Buffer | null = null
  #length = 0
  #filled = 0

  /** `take` is given each frame that is complete, without its length. Throws ProtocolError, and what `take` throws. */
  push (chunk: Uint8Array, take: (frame: Buffer) => void): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    let at = 0
    while (at < bytes.length) {
      if (this.#frame === null) {
        at = this.#begin(bytes, at)
        continue
      }
      const count = Math.min(this.#length - this.#filled, bytes.length - at)
      this.#reserve(count)
      bytes.copy(this.#frame, this.#filled, at, at + count)
      this.#filled += count
      at += count
      if (this.#filled < this.#length) return
      const frame = this.#frame.subarray(0, this.#length)
      this.#frame = null
      take(frame)
    }
  }

  /** Reads on in the length; sets memory aside once it is known. */
  #begin (bytes: Buffer, from: number): number {
    let at = from
    while (this.#headBytes < LENGTH_BYTES && at < bytes.length) this.#head[this.#headBytes++] = bytes[at++]!
    if (this.#headBytes < LENGTH_BYTES) return at
    this.#headBytes = 0
    const length = this.#head.readInt32BE(0)
    if (length < 0) throw new FrameLengthError(length >>> 0, MAX_FRAME_BYTES)
    if (length < LENGTH_BYTES) throw new ProtocolError(`a frame of ${length} bytes has no correlation id`)
    this.#length = length
    this.#filled = 0
    const ahead = Math.min(length, AHEAD_BYTES)
    this.#frame = ahead <= SMALL_BYTES ? Buffer.allocUnsafe(ahead) : Buffer.allocUnsafeSlow(ahead)
    return at
  }

  /** Room for so many bytes more. */
  #reserve (count: number): void {
    const frame = this.#frame!
    const needed = this.#filled + count
    if (needed <= frame.length) return
    const larger = Buffer.allocUnsafeSlow(Math.min(this.#length, Math.max(needed, frame.length * 2)))
    frame.copy(larger, 0, 0, this.#filled)
    this.#frame = larger
  }
}
