/**
 * What a proof of identity ends in, whichever way it came: a principal, and until when that holds.
 */
import type { Principal } from '../../protocol/rpc.ts'

export type Mechanism = 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512' | 'OAUTHBEARER'

export interface Identity {
  readonly principal: Principal
  /** How it was proved: a SASL mechanism, `BASIC`, `BEARER`, `TLS`, `TICKET`, or `NONE` for the anonymous. */
  readonly method: string
  /** When the proof runs out, in ms since the epoch; null if it does not. */
  readonly expiresAtMs: number | null
}

/** The proof was not accepted. `message` says no more than a stranger may know. */
export class AuthenticationFailed extends Error {
  override readonly name = 'AuthenticationFailed'
  /** For the log and the audit: why, without any secret. */
  readonly reason: string
  /** What the mechanism itself answers before it fails (OAUTHBEARER's error JSON, RFC 7628), or null. */
  readonly reply: Buffer | null

  constructor (reason: string, message = 'Authentication failed: the credentials are not valid.', reply: Buffer | null = null) {
    super(message)
    this.reason = reason
    this.reply = reply
  }
}

export type SaslStep =
  | { readonly done: false, readonly reply: Buffer }
  | { readonly done: true, readonly reply: Buffer, readonly identity: Identity }

/** One exchange of one mechanism. After `done`, or a rejection, it is used up. */
export interface SaslExchange {
  /** Rejects with AuthenticationFailed. */
  step (bytes: Buffer): Promise<SaslStep>
}

/** Where a proof comes from. */
export interface Origin {
  /** The peer's address, without its port. */
  readonly address: string
  readonly listener: string
}

/** What the Kafka door needs to know of credentials. */
export interface SaslServer {
  /** Throws AuthenticationFailed if there is no such mechanism. */
  start (mechanism: Mechanism, origin: Origin): SaslExchange
  /** How long an answer to a failure is held back, in ms: it grows with the failures of that address and that user. */
  failureDelayMs (origin: Origin): number
}
