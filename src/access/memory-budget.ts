/**
 * Memory for requests that are in flight: what is read from sockets is reserved here first, for its principal and in all.
 * Who finds no room waits, and stops reading meanwhile.
 *
 * Nobody who waits holds anything, and whoever holds something can finish without getting more: so no one waits for ever.
 * Principals take turns; the requests of one principal come in their order. What is larger than a budget is let through
 * when it has that budget for itself.
 */

/** Waits for room. Resolves to true once the bytes are reserved, and to false if it was given up before. */
export interface Waiter extends PromiseLike<boolean> {
  /** Gives up the place in the queue. What is reserved already stays reserved. */
  cancel (): void
}

export interface MemoryStats {
  /** Reserved now. */
  reservedBytes: number
  /** Requests that wait for room now, and that ever had to. */
  waiting: number
  waitedTotal: number
  /** Principals that hold something, or wait. */
  readonly principals: number
}

export const DEFAULT_BYTES_PER_PRINCIPAL = 32 * 1024 * 1024

class Place implements Waiter {
  readonly account: Account
  readonly bytes: number
  readonly #settled = Promise.withResolvers<boolean>()
  readonly #leave: (place: Place) => void

  constructor (account: Account, bytes: number, leave: (place: Place) => void) {
    this.account = account
    this.bytes = bytes
    this.#leave = leave
  }

  then<A = boolean, B = never> (
    onSettled?: ((granted: boolean) => A | PromiseLike<A>) | null, onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null
  ): Promise<A | B> {
    return this.#settled.promise.then(onSettled, onRejected)
  }

  settle (granted: boolean): void {
    this.#settled.resolve(granted)
  }

  cancel (): void {
    this.#leave(this)
  }
}

/** One principal. */
interface Account {
  readonly principal: string
  held: number
  /** In the order in which they came; the first is next. */
  readonly queue: Set<Place>
}

export class MemoryBudget {
  readonly #totalBytes: number
  readonly #perPrincipalBytes: number
  readonly #accounts = new Map<string, Account>()
  /** Principals whose first in the queue waits only for room in all, in the order of their turns. */
  readonly #turns = new Set<Account>()
  readonly stats: MemoryStats

  constructor (totalBytes: number, perPrincipalBytes: number) {
    this.#totalBytes = totalBytes
    this.#perPrincipalBytes = perPrincipalBytes
    const accounts = this.#accounts
    this.stats = { reservedBytes: 0, waiting: 0, waitedTotal: 0, get principals () { return accounts.size } }
  }

  /** True if the bytes are reserved, or a place in the queue. `release` is owed for what was reserved. */
  reserve (principal: string, bytes: number): true | Waiter {
    if (this.tryReserve(principal, bytes)) return true
    const account = this.#account(principal)
    const place = new Place(account, bytes, this.#leave)
    account.queue.add(place)
    this.stats.waiting++
    this.stats.waitedTotal++
    this.#enlist(account)
    return place
  }

  /** For what can be done without: does not wait, and goes before nobody who does. */
  tryReserve (principal: string, bytes: number): boolean {
    const known = this.#accounts.get(principal)
    const isNext = this.#turns.size === 0 && (known === undefined || (known.queue.size === 0 && this.#fitsAccount(known, bytes)))
    if (!isNext || !this.#fitsInAll(bytes)) return false
    this.#hold(known ?? this.#account(principal), bytes)
    return true
  }

  release (principal: string, bytes: number): void {
    const account = this.#accounts.get(principal)
    if (account === undefined || account.held < bytes) throw new Error('More memory was given back than was reserved.')
    account.held -= bytes
    this.stats.reservedBytes -= bytes
    this.#enlist(account)
    this.#grant()
    this.#forget(account)
  }

  readonly #leave = (place: Place): void => {
    const { account } = place
    if (!account.queue.delete(place)) return
    this.stats.waiting--
    place.settle(false)
    // Another one may be first now, larger or smaller.
    this.#turns.delete(account)
    this.#enlist(account)
    this.#grant()
    this.#forget(account)
  }

  /** Gives a principal a turn if its first in the queue fits its own budget. */
  #enlist (account: Account): void {
    const first = firstOf(account.queue)
    if (first !== undefined && this.#fitsAccount(account, first.bytes)) this.#turns.add(account)
  }

  #grant (): void {
    for (let account = firstOf(this.#turns); account !== undefined; account = firstOf(this.#turns)) {
      const place = firstOf(account.queue)!
      if (!this.#fitsInAll(place.bytes)) return
      account.queue.delete(place)
      this.stats.waiting--
      this.#hold(account, place.bytes)
      place.settle(true)
      this.#turns.delete(account)
      this.#enlist(account)
    }
  }

  #fitsAccount ({ held }: Account, bytes: number): boolean {
    return held === 0 || held + bytes <= this.#perPrincipalBytes
  }

  #fitsInAll (bytes: number): boolean {
    const { reservedBytes } = this.stats
    return reservedBytes === 0 || reservedBytes + bytes <= this.#totalBytes
  }

  #hold (account: Account, bytes: number): void {
    account.held += bytes
    this.stats.reservedBytes += bytes
  }

  #account (principal: string): Account {
    let account = this.#accounts.get(principal)
    if (account === undefined) this.#accounts.set(principal, account = { principal, held: 0, queue: new Set() })
    return account
  }

  #forget (account: Account): void {
    if (account.held === 0 && account.queue.size === 0) this.#accounts.delete(account.principal)
  }
}

const firstOf = <T>(set: ReadonlySet<T>): T | undefined => set.values().next().value
