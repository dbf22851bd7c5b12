/**
 * What one connection holds of the memory for requests in flight. Once there is more of a frame than is free, the whole of
 * it is reserved before more is read, and given back when the request has been answered. Nothing is allocated from its
 * length: that is a number in an account. And nothing is reserved for a frame that was only announced.
 */
import type { MemoryBudget, Waiter } from '../access/memory-budget.ts'

/** So much may wait in a connection without a reservation. */
export const FREE_BYTES = 64 * 1024

interface Taken {
  readonly bytes: number
  /** Null where nothing had to be reserved. */
  readonly payer: string | null
}

export class Room {
  /** Who pays for what is reserved from now on. */
  payer: string
  readonly #budget: MemoryBudget
  readonly #onRoom: () => void
  /** For the frame that is being received, or is the next to be taken. */
  #nextBytes = 0
  #nextPayer = ''
  /** For the requests in the engine, in their order. */
  readonly #taken: Taken[] = []
  /** What those hold without a reservation. */
  #freeBytes = 0
  #waiter: Waiter | null = null
  #closed = false

  /** `onRoom` is called when `claim` was refused and there is room now. */
  constructor (budget: MemoryBudget, payer: string, onRoom: () => void) {
    this.#budget = budget
    this.payer = payer
    this.#onRoom = onRoom
  }

  get isWaiting (): boolean {
    return this.#waiter !== null
  }

  /** What is reserved for the next frame. */
  get nextBytes (): number {
    return this.#nextBytes
  }

  /** Reserves for the next frame, once, or waits for it: then nothing more may be read. */
  claim (bytes: number): boolean {
    if (this.#nextBytes > 0 || this.#closed) return true
    if (this.#waiter !== null) return false
    const { payer } = this
    const waiter = this.#budget.reserve(payer, bytes)
    if (waiter === true) {
      this.#hold(payer, bytes)
      return true
    }
    this.#waiter = waiter
    waiter.then(granted => {
      this.#waiter = null
      if (!granted) return
      if (this.#closed) return this.#budget.release(payer, bytes)
      this.#hold(payer, bytes)
      this.#onRoom()
    })
    return false
  }

  /** The same without waiting, for what need not be read yet. */
  tryClaim (bytes: number): boolean {
    if (this.#nextBytes > 0 || this.#closed) return true
    if (this.#waiter !== null || !this.#budget.tryReserve(this.payer, bytes)) return false
    this.#hold(this.payer, bytes)
    return true
  }

  /** Whether a frame may go to the engine beside those that are there: without more than one could hold, or what is reserved for it. */
  hasFor (bytes: number): boolean {
    return this.#nextBytes > 0 || this.#freeBytes + bytes <= FREE_BYTES || this.tryClaim(bytes)
  }

  /** The next frame has become a request in the engine. */
  taken (bytes: number): void {
    const reserved = this.#nextBytes
    if (reserved === 0) this.#freeBytes += bytes
    this.#taken.push(reserved === 0 ? { bytes, payer: null } : { bytes: reserved, payer: this.#nextPayer })
    this.#nextBytes = 0
  }

  /** The first of the requests in the engine is done with. */
  answered (): void {
    const first = this.#taken.shift()
    if (first === undefined) return
    if (first.payer === null) this.#freeBytes -= first.bytes
    else this.#budget.release(first.payer, first.bytes)
  }

  /** Nothing more is received. What the engine works on stays reserved until `answered`. */
  close (): void {
    this.#closed = true
    this.#waiter?.cancel()
    if (this.#nextBytes > 0) this.#budget.release(this.#nextPayer, this.#nextBytes)
    this.#nextBytes = 0
  }

  #hold (payer: string, bytes: number): void {
    this.#nextPayer = payer
    this.#nextBytes = bytes
  }
}
