/**
 * Tickets for browsers, which cannot send a header with a WebSocket or an EventSource: whoever has proved who they are takes
 * one, and shows it in the URL. It is good once and for thirty seconds, so it may stand in a log: only its hash is kept here.
 */
import { createHash, randomBytes } from 'node:crypto'
import { AuthenticationFailed, type Identity } from './identity.ts'

const LIFETIME_MS = 30_000
const TICKET_BYTES = 32
const MAX_TICKETS = 10_000
const MAX_TICKETS_EACH = 1000

export interface Ticket {
  readonly ticket: string
  /** In ms since the epoch. */
  readonly expiresAtMs: number
}

interface Issued {
  readonly identity: Identity
  readonly expiresAtMs: number
}

export class Tickets {
  readonly #clock: () => number
  /** By hash, the oldest first. */
  readonly #issued = new Map<string, Issued>()
  readonly #held = new Map<string, number>()

  /** In ms since the epoch. */
  constructor (clock: () => number = Date.now) {
    this.#clock = clock
  }

  get size (): number { return this.#issued.size }

  /** With a thousand of them unused, a principal's oldest is void; with ten thousand in all, the oldest of all. */
  issue (identity: Identity): Ticket {
    this.#forgetExpired()
    const { name } = identity.principal
    if ((this.#held.get(name) ?? 0) >= MAX_TICKETS_EACH) this.#take(this.#oldest(one => one.identity.principal.name === name))
    else if (this.#issued.size >= MAX_TICKETS) this.#take(this.#oldest(() => true))
    const ticket = randomBytes(TICKET_BYTES).toString('base64url')
    const expiresAtMs = this.#clock() + LIFETIME_MS
    this.#issued.set(digestOf(ticket), { identity, expiresAtMs })
    this.#held.set(name, (this.#held.get(name) ?? 0) + 1)
    return { ticket, expiresAtMs }
  }

  /** Whose ticket it is; it holds for as long as the proof that it was issued for. Throws AuthenticationFailed. */
  redeem (ticket: string): Identity {
    const issued = this.#take(digestOf(ticket))
    const now = this.#clock()
    if (issued === undefined || now >= issued.expiresAtMs) {
      throw new AuthenticationFailed('the ticket is unknown, used or out of date', 'Authentication failed: a ticket is good once, for 30 s. Ask for another.')
    }
    const { identity } = issued
    if (identity.expiresAtMs !== null && now >= identity.expiresAtMs) throw new AuthenticationFailed('the proof that the ticket stands for has expired')
    return { ...identity, method: 'TICKET' }
  }

  #forgetExpired (): void {
    const now = this.#clock()
    for (const [digest, { expiresAtMs }] of this.#issued) {
      if (expiresAtMs > now) return
      this.#take(digest)
    }
  }

  #take (digest: string | undefined): Issued | undefined {
    const issued = digest === undefined ? undefined : this.#issued.get(digest)
    if (issued === undefined) return undefined
    this.#issued.delete(digest!)
    const { name } = issued.identity.principal
    const held = this.#held.get(name)! - 1
    if (held === 0) this.#held.delete(name)
    else this.#held.set(name, held)
    return issued
  }

  #oldest (which: (issued: Issued) => boolean): string | undefined {
    for (const [digest, issued] of this.#issued) if (which(issued)) return digest
    return undefined
  }
}

const digestOf = (ticket: string): string => createHash('sha256').update(ticket).digest('base64')
