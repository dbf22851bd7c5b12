/**
 * Who the client of a session has shown itself to be, and for how long that holds. Before its end the client is asked for a
 * new proof; it may not become someone else by it.
 */
import { anonymous, formatPrincipal } from '../../protocol/rpc.ts'
import type { Identity } from '../../src/auth/identity.ts'
import { Closed, closes } from './close.ts'
import type { DoorConnections } from '../guards.ts'

export interface StandingHost {
  /** The proof runs out in so long. */
  expiring (inMs: number): void
  expired (): void
}

/** Timers hold no more than this; longer times are waited for in turns. */
const MAX_TIMER_MS = 2 ** 31 - 1

export class Standing {
  readonly #host: StandingHost
  readonly #connections: DoorConnections
  readonly #noticeMs: number
  #identity: Identity | null = null
  #timer: NodeJS.Timeout | undefined
  #joined: string | null = null

  constructor (host: StandingHost, connections: DoorConnections, noticeMs: number) {
    this.#host = host
    this.#connections = connections
    this.#noticeMs = noticeMs
  }

  get identity (): Identity | null { return this.#identity }

  /** Throws Closed if it is someone else, or has as many sessions as it may. */
  accept (identity: Identity): void {
    const name = formatPrincipal(identity.principal)
    if (this.#identity === null) this.#join(identity, name)
    else if (formatPrincipal(this.#identity.principal) !== name) {
      throw new Closed(closes.forbidden, 'A session cannot change its principal: open another one.')
    }
    this.#identity = identity
    clearTimeout(this.#timer)
    const { expiresAtMs } = identity
    if (expiresAtMs === null) return
    const notice = Math.min(this.#noticeMs, (expiresAtMs - Date.now()) / 2)
    this.#at(expiresAtMs - notice, () => {
      this.#at(expiresAtMs, () => this.#host.expired())
      this.#host.expiring(Math.max(0, Math.round(expiresAtMs - Date.now())))
    })
  }

  release (): void {
    clearTimeout(this.#timer)
    if (this.#joined !== null) this.#connections.parted(this.#joined)
    this.#joined = null
  }

  /** The anonymous are many, and no one of them should use up what all may have: addresses limit them. */
  #join ({ principal }: Identity, name: string): void {
    if (principal === anonymous) return
    if (!this.#connections.joined(name)) throw new Closed(closes.tooMany, `${name} has as many connections as it may have: close one first.`)
    this.#joined = name
  }

  #at (timeMs: number, then: () => void): void {
    const ms = timeMs - Date.now()
    this.#timer = ms > MAX_TIMER_MS
      ? setTimeout(() => this.#at(timeMs, then), MAX_TIMER_MS).unref()
      : setTimeout(then, ms).unref()
  }
}
