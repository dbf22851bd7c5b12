/**
 * How long failures are held back. It grows with the failures of an address under one name, from 100 ms, doubling, to ten
 * seconds; under many names it grows later, because many people may share an address. Half of it is forgotten every
 * half minute. Only answers to failures wait: whoever knows the password is never kept out, here or from elsewhere.
 */
import { isIPv6 } from 'node:net'
import { BoundedMap } from './bounded-map.ts'

const MIN_MS = 100
const MAX_MS = 10_000
const HALF_LIFE_MS = 30_000
/** As many failures of an address, under whatever names, as are nobody's business. */
const SPARED = 10

const MAX_ADDRESSES = 10_000
const MAX_USERS = 20_000
const MAX_NAME = 256

interface Failures {
  readonly count: number
  readonly atMs: number
}

interface AddressFailures extends Failures {
  readonly delayMs: number
}

export class Backoff {
  readonly #clock: () => number
  readonly #addresses = new BoundedMap<string, AddressFailures>(MAX_ADDRESSES)
  readonly #users = new BoundedMap<string, Failures>(MAX_USERS)

  /** In ms; only differences count. */
  constructor (clock: () => number = () => performance.now()) {
    this.#clock = clock
  }

  /** How much is remembered, which is bounded. */
  get size (): number { return this.#addresses.size + this.#users.size }

  /** `user` is who the client said it was, if it said so. */
  failed (address: string, user: string | null): void {
    const network = networkOf(address)
    const atMs = this.#clock()
    const byUser = user === null ? 0 : this.#count(this.#users.get(keyOf(network, user))) + 1
    const byAddress = this.#count(this.#addresses.get(network)) + 1
    if (user !== null) this.#users.set(keyOf(network, user), { count: byUser, atMs })
    this.#addresses.set(network, { count: byAddress, atMs, delayMs: Math.max(delayOf(byUser), delayOf(byAddress - SPARED)) })
  }

  /** The failures of others at this address stand: who has one password could otherwise try many names. */
  succeeded (address: string, user: string): void {
    this.#users.delete(keyOf(networkOf(address), user))
  }

  /** For how long the answer to the latest failure of an address is to be held back. */
  delayMs (address: string): number {
    return this.#addresses.get(networkOf(address))?.delayMs ?? MIN_MS
  }

  #count (failures: Failures | undefined): number {
    return failures === undefined ? 0 : failures.count * 2 ** ((failures.atMs - this.#clock()) / HALF_LIFE_MS)
  }
}

const delayOf = (failures: number): number => Math.min(MIN_MS * 2 ** Math.max(Math.round(failures) - 1, 0), MAX_MS)

/** Long names that begin alike may count as one: what is kept is bounded. */
const keyOf = (network: string, user: string): string => `${network} ${user.slice(0, MAX_NAME)}`

/** Whoever has an IPv6 address has 2^64 of them: they count as one. */
function networkOf (address: string): string {
  if (!isIPv6(address)) return address
  const mapped = /^::ffff:(?<ipv4>\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.groups?.['ipv4']
  if (mapped !== undefined) return mapped
  const [head, tail] = address.replace(/%.*$/, '').split('::').map(half => half === '' ? [] : half.split(':'))
  const groups = tail === undefined ? head! : [...head!, ...Array<string>(Math.max(0, 8 - head!.length - tail.length)).fill('0'), ...tail]
  return groups.slice(0, 4).map(group => group.toLowerCase().replace(/^0+(?=.)/, '')).join(':') + '::/64'
}
