/**
 * Cuts a stream of bytes into lines, however they are spread over its chunks.
 */

const LF = 0x0a
const CR = 0x0d

/** A line without its line break; a view into a chunk where it lies in one. */
export interface Line {
  readonly bytes: Buffer
  /** Counted from 1, empty lines too. */
  readonly number: number
}

export class LineSplitter {
  readonly #maxBytes: number
  /** The beginning of a line whose end has not come yet. */
  #pieces: Buffer[] = []
  #pending = 0
  #number = 0

  constructor (maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** The number of the line that is incomplete. */
  get next (): number {
    return this.#number + 1
  }

  /** Whether the line that is incomplete is longer than a line may be. What came before it has been handed out. */
  get overlong (): boolean {
    return this.#pending > this.#maxBytes
  }

  /** The lines that end in `chunk`, empty ones left out. Stops at a line that is too long. */
  * push (chunk: Buffer): Generator<Line, void, void> {
    let start = 0
    for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, start)) {
      if (this.#pending + end - start > this.#maxBytes) break
      const line = this.#take(chunk.subarray(start, end))
      start = end + 1
      if (line !== null) yield line
    }
    if (start < chunk.length) {
      this.#pieces.push(chunk.subarray(start))
      this.#pending += chunk.length - start
    }
  }

  /** The last line, if nothing ended it. */
  finish (): Line | null {
    return this.#pending === 0 ? null : this.#take(Buffer.alloc(0))
  }

  #take (end: Buffer): Line | null {
    const whole = this.#pending === 0 ? end : Buffer.concat([...this.#pieces, end])
    this.#pieces = []
    this.#pending = 0
    this.#number++
    const bytes = whole.at(-1) === CR ? whole.subarray(0, -1) : whole
    return bytes.length === 0 ? null : { bytes, number: this.#number }
  }
}
