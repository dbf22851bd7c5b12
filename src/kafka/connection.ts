/**
 * One connection: bytes in, frames, one request at a time in the engine, answers out in order.
 *
 * What has arrived waits in the frame splitter, which is the only queue: a frame is cut off when it can be dispatched, not
 * before. Reading goes on while a request is in the engine, up to a bound; nothing is taken while the peer is muted
 * (KIP-219) or does not read what it was sent.
 */
import type { Socket } from 'node:net'
import { FrameSplitter, type RequestHeader } from '../../protocol/frame.ts'
import { formatAddress } from './advertise.ts'
import { Exchange, type ExchangeHost, type Line } from './exchange.ts'
import type { LogLimit } from './log-limit.ts'
import { Peer } from './peer.ts'
import { Silence, type SilenceLimits } from './silence.ts'
import type { DisconnectCause, KafkaStats } from './stats.ts'
import { verdictOn } from './verdict.ts'

/** What the connections of one listener share. */
export interface ConnectionHost extends ExchangeHost {
  readonly maxFrameBytes: number
  readonly silence: SilenceLimits
  readonly log: LogLimit
  readonly stats: KafkaStats
  readonly httpHint: string | null
  readonly onClose: (connection: Connection) => void
}

/** Bytes received beyond the request in the engine, and bytes of answers that the kernel has not taken, before we wait. */
const MAX_QUEUED_BYTES = 1024 * 1024
const MAX_UNSENT_BYTES = 1024 * 1024

/** Requests that one connection may have answered before the others get a turn. */
const BURST = 64

const MAX_TIMER_MS = 0x7fffffff

const peerLeft = new Error('The client has disconnected.')
const shuttingDown = new Error('The listener is shutting down.')

export class Connection implements Line {
  readonly #socket: Socket
  readonly #host: ConnectionHost
  readonly #peer: Peer
  readonly #splitter: FrameSplitter
  readonly #silence: Silence
  readonly #exchange: Exchange
  #muted: NodeJS.Timeout | null = null
  /** Waits for its turn behind other connections. */
  #yielding = false
  #burst = 0
  /** A request would be taken, but no whole frame is there. */
  #hungry = true
  #paused = false
  /** The peer has sent its last byte. */
  #ended = false
  /** Nothing more is taken: we have said our last word, or are about to. */
  #finishing = false
  #closed = false
  #cause: DisconnectCause = 'client'
  /** Whether a whole frame was ever received; until then, nonsense is a stranger's. */
  #isKafka = false

  constructor (socket: Socket, host: ConnectionHost) {
    this.#socket = socket
    this.#host = host
    this.#peer = new Peer(socket, host.stats)
    this.#splitter = new FrameSplitter(host.maxFrameBytes)
    this.#silence = new Silence(host.silence)
    this.#exchange = new Exchange(host, this.#peer, this)
    socket.on('data', this.#onData)
    socket.on('drain', this.#onDrain)
    socket.on('end', this.#onEnd)
    socket.on('error', this.#onError)
    socket.on('close', this.#onClose)
  }

  // ---- for the listener

  /** One sweep: time passes. */
  tick (): void {
    if (this.#exchange.busy || this.#muted !== null) return
    if (this.#finishing) {
      if (this.#silence.tickAfterEnd()) this.#socket.destroy()
      return
    }
    const verdict = this.#silence.tick(this.#hungry && this.#splitter.buffered > 0)
    if (verdict !== null) this.destroy(verdict === 'idle' && this.#isUnread() ? 'slow_reader' : verdict)
  }

  /** Takes no more requests; lets the one in the engine answer, at once if it only waits, and closes. */
  drain (): void {
    if (!this.#finishing) this.#cause = 'shutdown'
    this.#finishing = true
    if (this.#exchange.busy) this.#exchange.abort(shuttingDown)
    else this.#socket.destroySoon()
  }

  destroy (cause: DisconnectCause): void {
    this.#finishing = true
    if (!this.#closed) this.#cause = cause
    this.#socket.destroy()
  }

  // ---- for the exchange

  get closed (): boolean {
    return this.#closed
  }

  /** One writev for a whole frame; record bytes go out as they lie. */
  send (frame: readonly Buffer[]): void {
    const socket = this.#socket
    if (!socket.writable) return
    if (frame.length > 1) socket.cork()
    for (const chunk of frame) {
      this.#host.stats.bytesOut += chunk.length
      socket.write(chunk)
    }
    if (frame.length > 1) socket.uncork()
  }

  done (throttleMs: number): void {
    this.#silence.broken()
    if (this.#finishing) return this.#finish()
    if (throttleMs > 0 && !this.#closed) this.#muted = setTimeout(this.#onUnmute, Math.min(throttleMs, MAX_TIMER_MS))
    this.#pump()
  }

  hangUp (cause: DisconnectCause, header: RequestHeader, sentence: string): void {
    this.#host.log.write('info', cause, this.#peer.describe(header), `${sentence} The connection is closed.`)
    this.destroy(cause)
  }

  fail (error: unknown, header: RequestHeader | null): void {
    const { log, httpHint } = this.#host
    const { cause, level, sentence, reply } = verdictOn(error, this.#isKafka, formatAddress(this.#peer.reached), httpHint)
    const about = this.#peer.describe(header)
    log.write(level, cause, level === 'error' ? { ...about, err: error } : about, sentence)
    if (reply === null) return this.destroy(cause)
    this.#cause = cause
    this.send([reply])
    this.#finish()
  }

  // ---- taking requests

  #pump (): void {
    this.#hungry = false
    while (this.#mayTake()) {
      if (++this.#burst > BURST) {
        this.#yielding = true
        setImmediate(this.#onTurn)
        break
      }
      try {
        const frame = this.#splitter.next()
        if (frame === null) {
          this.#hungry = true
          break
        }
        this.#silence.frameComplete()
        this.#isKafka = true
        this.#exchange.take(frame)
      } catch (error) {
        return this.fail(error, null)
      }
    }
    this.#forsake()
    if (this.#hungry && this.#ended) this.#finish()
    else this.#regulate()
  }

  #mayTake (): boolean {
    if (this.#exchange.busy || this.#muted !== null || this.#yielding || this.#finishing) return false
    // What came before a FIN is carried out even when nobody can be answered any more: acks=0 producers leave at once.
    return this.#closed ? this.#ended : !this.#isUnread()
  }

  /** Whether the peer is behind with reading what it was sent. */
  #isUnread (): boolean {
    return this.#socket.writableLength > MAX_UNSENT_BYTES
  }

  /** Stops reading while enough is waiting, but never in the middle of the frame that is wanted next. */
  #regulate (): void {
    const full = !this.#hungry && this.#splitter.buffered > MAX_QUEUED_BYTES
    if (full === this.#paused || this.#finishing) return
    this.#paused = full
    if (full) this.#socket.pause()
    else this.#socket.resume()
  }

  /** Ends a long poll that is the last thing a peer asked for before it left. */
  #forsake (): void {
    if (this.#ended && this.#exchange.onlyReads && this.#splitter.buffered === 0) this.#exchange.abort(peerLeft)
  }

  /** Sends what is unsent, then FIN. What still comes in is thrown away, so that our last words are not lost to a RST. */
  #finish (): void {
    this.#finishing = true
    this.#silence.broken()
    if (this.#closed) return
    if (this.#paused) this.#socket.resume()
    this.#socket.end()
  }

  // ---- events

  readonly #onData = (chunk: Buffer): void => {
    this.#host.stats.bytesIn += chunk.length
    if (this.#finishing) return
    this.#silence.broken(chunk.length)
    this.#splitter.push(chunk)
    this.#pump()
  }

  readonly #onDrain = (): void => {
    this.#silence.broken()
    this.#pump()
  }

  readonly #onTurn = (): void => {
    this.#yielding = false
    this.#burst = 0
    this.#pump()
  }

  readonly #onUnmute = (): void => {
    this.#muted = null
    this.#silence.broken()
    this.#pump()
  }

  readonly #onEnd = (): void => {
    this.#ended = true
    this.#pump()
  }

  /** ECONNRESET, EPIPE, ETIMEDOUT: the peer's or the network's doing. `close` follows. */
  readonly #onError = (): void => {
    if (this.#cause === 'client') this.#cause = 'reset'
  }

  readonly #onClose = (): void => {
    const { stats, onClose } = this.#host
    this.#closed = true
    if (this.#muted !== null) clearTimeout(this.#muted)
    this.#muted = null
    stats.disconnects[this.#cause]++
    this.#peer.leave()
    this.#exchange.abort(peerLeft)
    onClose(this)
    if (this.#ended) this.#pump()
  }
}
