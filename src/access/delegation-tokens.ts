/**
 * Delegation tokens (KIP-48) where they are switched on. The HMAC of a token is what one logs in with; it is made of the
 * token's id by a secret that only the configuration has, so that it is kept nowhere: neither in the log nor in memory.
 */
import { createHash, createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import { anonymous, formatPrincipal, type Principal } from '../../protocol/rpc.ts'
import type { DelegationToken } from './model.ts'
import type { TokenTable } from './token-table.ts'

export interface DelegationTokenOptions {
  /** Kafka's `delegation.token.secret.key`: the same for all processes that share the log. */
  readonly secret: string
  /** Kafka's `delegation.token.max.lifetime.ms`. */
  readonly maxLifetimeMs: number
  /** How far a token is renewed at most (`delegation.token.expiry.time.ms`). */
  readonly expiryMs: number
  /** In ms since the epoch. */
  readonly clock?: () => number
}

export class DelegationTokens {
  readonly maxLifetimeMs: number
  readonly expiryMs: number
  readonly #table: TokenTable
  readonly #key: KeyObject
  readonly #clock: () => number
  /** The id of the token by a hash of its HMAC. */
  readonly #byHmac = new Map<string, string>()
  readonly #indexed = new Map<string, string>()
  #revision = -1

  constructor (table: TokenTable, { secret, maxLifetimeMs, expiryMs, clock = Date.now }: DelegationTokenOptions) {
    this.#table = table
    this.#key = createSecretKey(Buffer.from(secret, 'utf8'))
    this.#clock = clock
    this.maxLifetimeMs = maxLifetimeMs
    this.expiryMs = expiryMs
  }

  now (): number {
    return this.#clock()
  }

  /** 64 bytes, Kafka's own: HMAC-SHA-512 of the id. In base64 it is the password. */
  hmacOf (id: string): Buffer {
    return createHmac('sha512', this.#key).update(id, 'utf8').digest()
  }

  /** Of this length at least, and the same in all processes; of no use to guess an HMAC by. */
  saltOf (id: string, mechanism: string): Buffer {
    // As JSON: no id reads like this.
    return createHmac('sha512', this.#key).update(JSON.stringify(['salt', mechanism, id])).digest()
  }

  /** The token that has this HMAC, expired or not. */
  find (hmac: Buffer): DelegationToken | undefined {
    this.#index()
    const id = this.#byHmac.get(digest(hmac))
    return id === undefined ? undefined : this.#table.get(id)
  }

  /** The token of this id, unless it has expired. */
  valid (id: string): DelegationToken | undefined {
    const token = this.#table.get(id)
    return token === undefined || isExpired(token, this.now()) ? undefined : token
  }

  #index (): void {
    const table = this.#table
    if (this.#revision === table.revision) return
    this.#revision = table.revision
    for (const [id, key] of this.#indexed) {
      if (table.has(id)) continue
      this.#indexed.delete(id)
      this.#byHmac.delete(key)
    }
    for (const { id } of table) {
      if (this.#indexed.has(id)) continue
      const key = digest(this.hmacOf(id))
      this.#indexed.set(id, key)
      this.#byHmac.set(key, id)
    }
  }
}

const digest = (hmac: Buffer): string => createHash('sha256').update(hmac).digest('base64')

export const isExpired = ({ expiresMs, maxMs }: DelegationToken, nowMs: number): boolean => expiresMs < nowMs || maxMs < nowMs

/** Who may renew a token and end it: its owner and its renewers. Who asked for it in the name of another may not, although told its HMAC. */
export function isHolder ({ owner, renewers }: DelegationToken, principal: string): boolean {
  return principal === owner || renewers.includes(principal)
}

/**
 * Kafka's `allowTokenRequests`: whoever has proved who they are, and not by a token, which would renew itself for ever.
 */
export function mayAskForTokens (principal: Principal): boolean {
  return principal.tokenAuthenticated !== true && formatPrincipal(principal) !== formatPrincipal(anonymous)
}
