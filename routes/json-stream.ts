/**
 * Cuts a stream of bytes into JSON objects that stand one behind the other, with or without white space between, however
 * they are spread over its chunks. It looks for where an object ends, and leaves to `JSON.parse` whether it is one.
 */

/** Deeper than any record needs to be, and shallow enough for whatever walks over it. */
const MAX_DEPTH = 256

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d

const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

export class ObjectSplitter {
  readonly #maxBytes: number
  /** The beginning of an object whose end has not come yet. */
  #pieces: Buffer[] = []
  #pending = 0
  #depth = 0
  #inString = false
  #escaped = false

  constructor (maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Whether the stream may end here: no object is open. */
  get atBoundary (): boolean {
    return this.#depth === 0
  }

  /** The bytes of the objects that end in `chunk`. Throws SyntaxError where none can begin, or where one is too long or too deep. */
  * push (chunk: Buffer): Generator<Buffer, void, void> {
    let start = 0
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]!
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false
        else if (byte === BACKSLASH) this.#escaped = true
        else if (byte === QUOTE) this.#inString = false
        continue
      }
      if (this.#depth === 0) {
        if (isSpace(byte)) continue
        if (byte !== OPEN_OBJECT) throw new SyntaxError(`a JSON object was expected, not "${String.fromCharCode(byte)}"`)
        start = i
        this.#depth = 1
      } else if (byte === QUOTE) {
        this.#inString = true
      } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
        if (++this.#depth > MAX_DEPTH) throw new SyntaxError(`an object is nested more than ${MAX_DEPTH} levels deep`)
      } else if ((byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) && --this.#depth === 0) {
        this.#checkSize(i + 1 - start)
        yield this.#take(chunk.subarray(start, i + 1))
        start = i + 1
      }
    }
    if (this.#depth > 0) {
      this.#checkSize(chunk.length - start)
      this.#pieces.push(chunk.subarray(start))
      this.#pending += chunk.length - start
    }
  }

  #checkSize (more: number): void {
    if (this.#pending + more > this.#maxBytes) throw new SyntaxError(`an object is longer than ${this.#maxBytes} bytes`)
  }

  #take (end: Buffer): Buffer {
    if (this.#pieces.length === 0) return end
    const whole = Buffer.concat([...this.#pieces, end])
    this.#pieces = []
    this.#pending = 0
    return whole
  }
}
