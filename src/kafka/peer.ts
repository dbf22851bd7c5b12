/**
 * Who is at the other end of a connection: its address, its principal, the software it says it is, how log lines speak of it.
 */
import type { Socket } from 'node:net'
import { apiOf } from '../../protocol/apis.ts'
import type { RequestHeader } from '../../protocol/frame.ts'
import { anonymous, formatPrincipal, type Principal } from '../../protocol/rpc.ts'
import { plainAddress, reachedAddress, type Address } from './advertise.ts'
import type { Software } from './handshake.ts'
import type { KafkaStats, ListenerCount } from './stats.ts'

export class Peer {
  /** Without its port. */
  readonly address: string
  /** The address of ours that it reached. */
  readonly reached: Address
  /** The same object from one authentication to the next: what is known of it may be kept by it. */
  principal: Principal = anonymous
  readonly #stats: KafkaStats
  readonly #listener: ListenerCount
  #software: string | null = null
  /** What the statistics count it under. */
  #countedAs: string | null = null

  /** `socket` is open. */
  constructor (socket: Socket, stats: KafkaStats, listener: ListenerCount) {
    this.address = plainAddress(socket.remoteAddress ?? '')
    this.reached = reachedAddress(socket)
    this.#stats = stats
    this.#listener = listener
    stats.connections++
    stats.connectionsTotal++
    listener.open++
    listener.total++
  }

  /** What it has said that it is, with its version; null if it has not. */
  get software (): string | null {
    return this.#software
  }

  /** Who pays for what it uses: its principal, or its address as long as it has not said who it is. */
  get payer (): string {
    return this.principal === anonymous ? this.address : formatPrincipal(this.principal)
  }

  /** A client may introduce itself more than once; the last word counts. */
  introduce ({ name, version }: Software): void {
    if (this.#countedAs !== null) this.#stats.leave(this.#countedAs)
    this.#countedAs = this.#stats.join(name, version)
    this.#software = `${shorten(name)} ${shorten(version)}`
  }

  leave (): void {
    this.#stats.connections--
    this.#listener.open--
    if (this.#countedAs !== null) this.#stats.leave(this.#countedAs)
  }

  /** The fields of a log line about it, or about a request of its. */
  describe (header: RequestHeader | null): object {
    const principal = this.principal === anonymous ? {} : { principal: shorten(formatPrincipal(this.principal)) }
    const peer = { address: this.address, ...principal, software: this.#software }
    if (header === null) return peer
    const clientId = header.clientId === null ? null : shorten(header.clientId)
    return { ...peer, clientId, api: apiOf(header.apiKey)?.name ?? header.apiKey, version: header.version }
  }
}

const MAX_SHOWN = 128

/** Names that clients give themselves may be as long as a frame. A copy: a part of a long string would keep the whole of it. */
function shorten (name: string): string {
  return name.length <= MAX_SHOWN ? name : Buffer.from(name.slice(0, MAX_SHOWN)).toString() + '…'
}
