/**
 * What the native door counts: plain fields, bumped on the way and read at scrape. Requests and their latencies are
 * measured behind the waist, by a policy, the same for every door.
 */
import type { Mechanism } from '../auth/identity.ts'
import type { SecurityProtocol } from './security.ts'

/** Why connections end. Bounded: these become the values of a label. */
export const disconnectCauses = [
  'client', 'reset', 'idle', 'slow_reader', 'partial_frame', 'protocol', 'not_kafka', 'unsupported', 'acks0_failed', 'failure', 'shutdown',
  // Who it is was not proved: the proof failed, was not given in time or not asked for properly, or is no longer valid.
  'tls', 'authentication_failed', 'not_authenticated', 'session_expired',
  'too_many', 'too_many_per_address', 'too_many_per_principal', 'too_fast'
] as const

export type DisconnectCause = typeof disconnectCauses[number]

/** `TLS` is a client certificate; `other` whatever else a client asks for. */
export const authenticationMethods = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER', 'TLS', 'other'] as const
export type AuthenticationMethod = typeof authenticationMethods[number]

/** Of connections, and of those that prove once more who they are (KIP-368). */
export const authenticationOutcomes = ['success', 'failure', 'renewed', 'renewal_failed'] as const
export type AuthenticationOutcome = typeof authenticationOutcomes[number]

/** The connections of one listener. */
export interface ListenerCount {
  readonly protocol: SecurityProtocol
  open: number
  total: number
}

/** Clients name their software as they like: so many names are told apart, the rest is `other`. */
const MAX_NAMES = 100
const MAX_NAME_LENGTH = 64
const OTHER = 'other'

export class KafkaStats {
  /** Open now. */
  connections = 0
  connectionsTotal = 0
  bytesIn = 0
  bytesOut = 0
  readonly disconnects: Record<DisconnectCause, number> = zeros(disconnectCauses)
  readonly authentications: Record<AuthenticationMethod, Record<AuthenticationOutcome, number>> =
    Object.fromEntries(authenticationMethods.map(method => [method, zeros(authenticationOutcomes)])) as never

  /** By the listener's name, which comes from the configuration. */
  readonly listeners = new Map<string, ListenerCount>()

  readonly #clients = new Map<string, number>()

  /** Open connections by the software that the client says it is (KIP-511). */
  get clients (): ReadonlyMap<string, number> {
    return this.#clients
  }

  /** The counts of a listener, which are kept when it is opened anew. */
  listener (name: string, protocol: SecurityProtocol): ListenerCount {
    let count = this.listeners.get(name)
    if (count === undefined) this.listeners.set(name, count = { protocol, open: 0, total: 0 })
    return count
  }

  authenticated (mechanism: Mechanism | 'TLS' | null, outcome: AuthenticationOutcome): void {
    this.authentications[mechanism ?? OTHER][outcome]++
  }

  /** Counts one more connection of this software; returns the name it is counted under, to be handed to `leave`. */
  join (softwareName: string): string {
    const clients = this.#clients
    const names = clients.has(OTHER) ? clients.size - 1 : clients.size
    const name = clients.has(softwareName) || (names < MAX_NAMES && softwareName.length <= MAX_NAME_LENGTH) ? softwareName : OTHER
    clients.set(name, (clients.get(name) ?? 0) + 1)
    return name
  }

  /** A name without a connection makes room for another. */
  leave (name: string): void {
    const count = this.#clients.get(name) ?? 0
    if (count > 1) this.#clients.set(name, count - 1)
    else this.#clients.delete(name)
  }
}

function zeros<N extends string> (names: readonly N[]): Record<N, number> {
  return Object.fromEntries(names.map(name => [name, 0])) as Record<N, number>
}
