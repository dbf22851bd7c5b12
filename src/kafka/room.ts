/**
 * What one connection holds of the memory for requests in flight. Once there is more of a frame than is free, the whole of
 * it is reserved before more is read, and given back when the request has been answered. Nothing is allocated from its
 * length: that is a number in an account. And nothing is reserved for a frame that was only announced.
 */
import type { MemoryBudget, Waiter } from '../access/memory-budget.ts'

/** So much may wait in a connection without a reservation. */
export const FREE_BYTES = 64 * 1024

export class Room {
  /** Who pays for what is reserved from now on. */
  payer: string
  readonly #budget: MemoryBudget
  readonly #onRoom: () => void
  /** For the frame that is being received, or is the next to be taken. */
  #nextBytes = 0
  #nextPayer = ''
  /** For the request in the engine. */
  #takenBytes = 0
  #takenPayer = ''
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

  /** The next frame has become the request in the engine. */
  taken (): void {
    if (this.#nextBytes === 0) return
    this.#takenBytes = this.#nextBytes
    this.#takenPayer = this.#nextPayer
    this.#nextBytes = 0
  }

  /** The request in the engine is done with. */
  answered (): void {
    if (this.#takenBytes === 0) return
    this.#budget.release(this.#takenPayer, this.#takenBytes)
    this.#takenBytes = 0
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
