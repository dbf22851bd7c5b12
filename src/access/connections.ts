/**
 * How many connections there may be: in all, from one address, of one principal, and how many new ones a second from one
 * address. Every door counts here, so that nobody has twice as many by using two of them.
 */

export interface ConnectionBounds {
  readonly max: number
  readonly maxPerAddress: number
  readonly maxPerPrincipal: number
  /** New connections a second from one address; as many may come at once. A quota of that address takes its place. */
  readonly ratePerAddress: number
}

export const defaultConnectionBounds: ConnectionBounds = { max: 10_000, maxPerAddress: 1000, maxPerPrincipal: 1000, ratePerAddress: 500 }

export type Admission = 'admitted' | 'too_many' | 'too_many_per_address' | 'too_fast'

/** Why a connection was refused. */
export type Refusal = Exclude<Admission, 'admitted'> | 'too_many_per_principal'

export interface ConnectionStats {
  /** Open now, at every door. */
  open: number
  /** Addresses and principals that have connections. */
  readonly addresses: number
  readonly principals: number
  readonly refused: Record<Refusal, number>
}

/** One address: its open connections, and a bucket that a connection takes a token from. */
interface Caller { open: number, tokens: number, filledAt: number }

const FORGET_EVERY_MS = 1000

export class ConnectionLimits {
  readonly #bounds: ConnectionBounds
  readonly #ipQuota: (address: string) => number | null
  readonly #clock: () => number
  readonly #callers = new Map<string, Caller>()
  readonly #principals = new Map<string, number>()
  readonly stats: ConnectionStats
  /** Told of every refusal: of an address, or of a principal. */
  onRefused: (refusal: Refusal, who: { readonly address: string } | { readonly principal: string }) => void = () => {}
  #forgotAt: number

  /** `ipQuota` gives the connection_creation_rate of an address, or null. `clock` is monotonic, in ms. */
  constructor (bounds: ConnectionBounds, ipQuota: (address: string) => number | null = () => null, clock = (): number => performance.now()) {
    this.#bounds = bounds
    this.#ipQuota = ipQuota
    this.#clock = clock
    this.#forgotAt = clock()
    const callers = this.#callers
    const principals = this.#principals
    this.stats = {
      open: 0,
      get addresses () { return callers.size },
      get principals () { return principals.size },
      refused: { too_many: 0, too_many_per_address: 0, too_fast: 0, too_many_per_principal: 0 }
    }
  }

  get bounds (): ConnectionBounds {
    return this.#bounds
  }

  /** Counts a new connection if it is admitted; `left` is owed for it then, and only then. `address` is without its port. */
  admit (address: string): Admission {
    const admission = this.#judge(address)
    if (admission !== 'admitted') this.#refused(admission, { address })
    return admission
  }

  left (address: string): void {
    const caller = this.#callers.get(address)
    if (caller === undefined || caller.open === 0) throw new Error('A connection has left that was never admitted.')
    caller.open--
    this.stats.open--
  }

  /** Counts a connection of a principal that has proved who it is, or says that it has enough of them; then nothing is counted. */
  joined (principal: string): boolean {
    const open = this.#principals.get(principal) ?? 0
    if (open >= this.#bounds.maxPerPrincipal) {
      this.#refused('too_many_per_principal', { principal })
      return false
    }
    this.#principals.set(principal, open + 1)
    return true
  }

  parted (principal: string): void {
    const open = this.#principals.get(principal)
    if (open === undefined) throw new Error('A connection of a principal has parted that never joined.')
    if (open > 1) this.#principals.set(principal, open - 1)
    else this.#principals.delete(principal)
  }

  #refused (refusal: Refusal, who: { readonly address: string } | { readonly principal: string }): void {
    this.stats.refused[refusal]++
    this.onRefused(refusal, who)
  }

  #judge (address: string): Admission {
    const { max, maxPerAddress, ratePerAddress } = this.#bounds
    const now = this.#clock()
    if (now - this.#forgotAt >= FORGET_EVERY_MS) this.#forget(now)
    const rate = this.#ipQuota(address) ?? ratePerAddress
    const burst = rate > 0 ? Math.max(1, rate) : 0
    let caller = this.#callers.get(address)
    if (caller === undefined) this.#callers.set(address, caller = { open: 0, tokens: burst, filledAt: now })
    caller.tokens = Math.min(burst, caller.tokens + (now - caller.filledAt) / 1000 * rate)
    caller.filledAt = now
    if (caller.tokens < 1) return 'too_fast'
    // A refused attempt costs as much as an admitted one: a loop of them is what the rate is there for.
    caller.tokens--
    if (this.stats.open >= max) return 'too_many'
    if (caller.open >= maxPerAddress) return 'too_many_per_address'
    caller.open++
    this.stats.open++
    return 'admitted'
  }

  /** An address without connections is remembered only until its bucket is full again: strangers cannot grow the table at leisure. */
  #forget (now: number): void {
    this.#forgotAt = now
    for (const [address, { open, tokens, filledAt }] of this.#callers) {
      if (open > 0) continue
      const rate = this.#ipQuota(address) ?? this.#bounds.ratePerAddress
      if (rate <= 0 || tokens + (now - filledAt) / 1000 * rate >= Math.max(1, rate)) this.#callers.delete(address)
    }
  }
}
