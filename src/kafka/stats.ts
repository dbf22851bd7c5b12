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

/** Clients name their software as they like: so many names and versions are told apart, the rest is `other`. */
const MAX_NAMES = 100
const MAX_NAME_LENGTH = 64
const OTHER = 'other'

/** Open connections of one software in one version; an empty version stands for all that are not told apart. */
export interface ClientCount {
  readonly software: string
  readonly version: string
  open: number
}

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

  readonly #clients = new Map<string, ClientCount>()

  /** By the software that the client says it is, and its version (KIP-511). */
  get clients (): ReadonlyMap<string, Readonly<ClientCount>> {
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

  /** Counts one more connection of this software; returns what it is counted under, to be handed to `leave`. */
  join (software: string, version: string): string {
    const clients = this.#clients
    const own = `${software} ${version}`
    const names = clients.has(OTHER) ? clients.size - 1 : clients.size
    const isTold = clients.has(own) || (names < MAX_NAMES && own.length <= MAX_NAME_LENGTH)
    const key = isTold ? own : OTHER
    const count = clients.get(key)
    if (count !== undefined) count.open++
    else clients.set(key, isTold ? { software, version, open: 1 } : { software: OTHER, version: '', open: 1 })
    return key
  }

  /** One without a connection makes room for another. */
  leave (key: string): void {
    const count = this.#clients.get(key)
    if (count !== undefined && --count.open <= 0) this.#clients.delete(key)
  }
}

function zeros<N extends string> (names: readonly N[]): Record<N, number> {
  return Object.fromEntries(names.map(name => [name, 0])) as Record<N, number>
}
