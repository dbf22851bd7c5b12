/**
 * The hot tail: the newest batches of every log, in memory, so that a reader who keeps up never touches the disk. All
 * tails share one budget; the oldest batch of any of them goes first. A log that nobody reads has none: to keep what is
 * produced at full speed would cost a third of the processor time that it takes to store it.
 *
 * Batches are kept as they came, as views into the frame that brought them. What counts against the budget is the memory
 * that a view keeps alive, not its own length: one short batch in a long frame would else hold far more than it shows.
 */
import type { RecordBatch } from '../../protocol/batch.ts'
import type { Chunks } from '../../protocol/schema.ts'

interface Entry {
  readonly tail: Tail
  readonly backing: ArrayBufferLike
  chargedBytes: number
}

/** A queue over an array: `shift` moves a mark and cuts the array now and then. */
class Queue<T> {
  #items: (T | undefined)[] = []
  #head = 0

  get length (): number { return this.#items.length - this.#head }
  at (index: number): T { return this.#items[this.#head + index]! }
  push (item: T): void { this.#items.push(item) }

  shift (): T {
    const item = this.#items[this.#head]!
    this.#items[this.#head++] = undefined // what was taken must not be kept alive
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }

  clear (): void {
    this.#items = []
    this.#head = 0
  }
}

export class TailBudget {
  readonly #limitBytes: number
  readonly #entries = new Queue<Entry>()
  #last: Entry | null = null
  #usedBytes = 0
  hits = 0
  misses = 0

  constructor (limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  get usedBytes (): number {
    return this.#usedBytes
  }

  /** Batches of one frame come one after the other: the last of them, which will go last, is charged for all of it. */
  charge (tail: Tail, batch: RecordBatch): void {
    const backing = batch.bytes.buffer
    const entry = { tail, backing, chargedBytes: backing.byteLength }
    if (this.#last?.backing === backing) this.#last.chargedBytes = 0
    else this.#usedBytes += entry.chargedBytes
    this.#last = entry
    this.#entries.push(entry)
    while (this.#usedBytes > this.#limitBytes) this.#dropOldest()
  }

  #dropOldest (): void {
    const oldest = this.#entries.shift()
    this.#usedBytes -= oldest.chargedBytes
    if (oldest === this.#last) this.#last = null
    oldest.tail.dropOldest()
  }
}

/** For how long after a read there may be another one: longer than any client waits in one request. */
const READER_STAYS_MS = 120_000

export class Tail {
  readonly #budget: TailBudget
  #readUntilMs = 0
  readonly #batches = new Queue<RecordBatch>()
  /** Entries of the budget that still point here but whose batches are gone already. */
  #ahead = 0

  constructor (budget: TailBudget) {
    this.#budget = budget
  }

  /** Somebody reads, or waits for what comes: it is worth keeping. */
  expectReaders (): void {
    this.#readUntilMs = Date.now() + READER_STAYS_MS
  }

  push (batch: RecordBatch): void {
    if (Date.now() >= this.#readUntilMs) {
      if (this.#batches.length > 0) this.clear() // what is kept has no gaps
      return
    }
    this.#batches.push(batch)
    this.#budget.charge(this, batch)
  }

  /** Called by the budget, once for each batch that was pushed, oldest first. */
  dropOldest (): void {
    if (this.#ahead > 0) this.#ahead--
    else this.#batches.shift()
  }

  /** Forgets everything: some of it was not written after all, or the log is closed. */
  clear (): void {
    this.#ahead += this.#batches.length
    this.#batches.clear()
  }

  /**
   * Whole batches from the one that holds `offset`, all below `end`; null if that one is not here. Not more than
   * `maxBytes`, except that `atLeastOne` brings one batch whatever its size.
   */
  read (offset: number, end: number, maxBytes: number, atLeastOne: boolean): Chunks | null {
    const count = this.#batches.length
    if (count === 0 || offset < this.#batches.at(0).baseOffset) {
      this.#budget.misses++
      return null
    }
    this.#budget.hits++
    const chunks: Buffer[] = []
    let bytes = 0
    for (let i = this.#indexOf(offset); i < count; i++) {
      const batch = this.#batches.at(i)
      if (batch.baseOffset >= end) break
      if (bytes + batch.sizeBytes > maxBytes && !(atLeastOne && chunks.length === 0)) break
      bytes += batch.sizeBytes
      chunks.push(batch.bytes)
    }
    return chunks
  }

  /** The first batch that reaches beyond `offset`. */
  #indexOf (offset: number): number {
    let low = 0
    let high = this.#batches.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#batches.at(middle).nextOffset <= offset) low = middle + 1
      else high = middle
    }
    return low
  }
}
