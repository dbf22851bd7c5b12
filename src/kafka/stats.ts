/**
 * What the native door counts: plain fields, bumped on the way and read at scrape. Requests and their latencies are
 * measured behind the waist, by a policy, the same for every door.
 */

/** Why connections end. Bounded: these become the values of a label. */
export const disconnectCauses = [
  'client', 'reset', 'idle', 'slow_reader', 'partial_frame', 'protocol', 'not_kafka', 'unsupported', 'acks0_failed', 'failure', 'too_many', 'shutdown'
] as const

export type DisconnectCause = typeof disconnectCauses[number]

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
  readonly disconnects: Record<DisconnectCause, number> =
    Object.fromEntries(disconnectCauses.map(cause => [cause, 0])) as Record<DisconnectCause, number>

  readonly #clients = new Map<string, number>()

  /** Open connections by the software that the client says it is (KIP-511). */
  get clients (): ReadonlyMap<string, number> {
    return this.#clients
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
