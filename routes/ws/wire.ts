/**
 * The way out of a session: counts what leaves, and knows when the peer does not read. Then nothing is dropped and
 * nothing piles up: subscriptions stop taking records, and the peer's own messages wait in its socket, because most of
 * them would make us answer.
 */
import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import type { WebSocketStats } from '../door.ts'
import { reasonOf } from './close.ts'
import { opening, payloadBytes } from './frame.ts'

/** Above this many bytes that the socket has not taken, the peer counts as not reading. */
const CONGESTED_BYTES = 256 * 1024

export class Wire {
  readonly #socket: WebSocket
  /** What `socket` writes to. */
  readonly #stream: Socket
  readonly #stats: WebSocketStats
  readonly #onDrain: () => void
  #congested = false
  /** How many have a reason not to hear more of the peer. */
  #holds = 0

  constructor (socket: WebSocket, stream: Socket, stats: WebSocketStats, onDrain: () => void) {
    this.#socket = socket
    this.#stream = stream
    this.#stats = stats
    this.#onDrain = onDrain
  }

  get congested (): boolean { return this.#congested }

  get open (): boolean { return this.#socket.readyState === this.#socket.OPEN }

  send (message: object): void {
    if (!this.open) return
    const text = JSON.stringify(message)
    this.#socket.send(text)
    this.#count(Buffer.byteLength(text))
  }

  /** A message in two fragments: `head` is this subscriber's, `rest` (an `ending`) may be everyone's. */
  sendInTwo (head: string, rest: Buffer): void {
    if (!this.open) return
    const first = opening(head)
    // Around `socket`, which would make a header of its own for every subscriber; it keeps no state between messages.
    this.#stream.cork()
    this.#stream.write(first)
    this.#stream.write(rest)
    this.#stream.uncork()
    this.#count(payloadBytes(first) + payloadBytes(rest))
  }

  /** A frame of its own, for peers that do not answer messages: their WebSocket does. */
  ping (): void {
    if (this.open && !this.#congested) this.#socket.ping()
  }

  /** What the peer says from now on stays in its socket, until there has been a `release` for each `hold`. */
  hold (): void {
    if (this.#holds++ === 0 && this.open) this.#socket.pause()
  }

  release (): void {
    if (--this.#holds === 0 && this.open && !this.#congested) this.#socket.resume()
  }

  close (code: number, reason: string): void {
    // A paused socket would not see the peer's half of the closing handshake.
    this.#socket.resume()
    this.#socket.close(code, reasonOf(reason))
  }

  #count (bytes: number): void {
    this.#stats.framesOut++
    this.#stats.bytesOut += bytes
    if (this.#congested || this.#socket.bufferedAmount <= CONGESTED_BYTES) return
    this.#congested = true
    this.#socket.pause()
    this.#stream.once('drain', () => {
      this.#congested = false
      if (!this.open) return
      if (this.#holds === 0) this.#socket.resume()
      this.#onDrain()
    })
  }
}
