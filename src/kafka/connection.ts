/**
 * One connection: bytes in, frames, requests to the engine, answers out in order. When the next request may be begun is the
 * exchange's to say.
 *
 * What has arrived waits in the frame splitter, which is the only queue: a frame is cut off when it can be dispatched, not
 * before. Reading goes on while a request is in the engine, up to a bound, and no further than there is room for; nothing
 * is taken while the peer does not read what it was sent, and little while it is muted (KIP-219).
 */
import type { Socket } from 'node:net'
import { FrameSplitter, type RequestHeader } from '../../protocol/frame.ts'
import { formatPrincipal } from '../../protocol/rpc.ts'
import type { ConnectionLimits } from '../access/connections.ts'
import type { MemoryBudget } from '../access/memory-budget.ts'
import type { Identity } from '../auth/identity.ts'
import { formatAddress } from './advertise.ts'
import { Exchange, type ExchangeHost, type Line } from './exchange.ts'
import type { LogLimit } from './log-limit.ts'
import { Login, type LoginHost, type Outcome } from './login.ts'
import { Mute } from './mute.ts'
import { Peer } from './peer.ts'
import { FREE_BYTES, Room } from './room.ts'
import { Silence, type SilenceLimits } from './silence.ts'
import type { DisconnectCause, KafkaStats, ListenerCount } from './stats.ts'
import { verdictOn } from './verdict.ts'

/** What the connections of one listener share. */
export interface ConnectionHost extends ExchangeHost {
  /** The listener's name. */
  readonly name: string
  /** Null where nothing asks for credentials. */
  readonly login: LoginHost | null
  readonly connections: ConnectionLimits
  readonly memory: MemoryBudget
  readonly maxFrameBytes: number
  readonly maxUnauthenticatedFrameBytes: number
  /** In sweeps: from the accept until the client has proved who it is. */
  readonly authenticationTicks: number
  /** How many sweeps there have been. */
  readonly sweeps: number
  readonly silence: SilenceLimits
  readonly log: LogLimit
  readonly stats: KafkaStats
  readonly count: ListenerCount
  readonly httpHint: string | null
  readonly limited: (limit: string, who: { readonly address: string }) => void
  readonly onClose: (connection: Connection) => void
}

/** Connections that end for these causes have taken more time, or more of us, than they may. */
const limits: ReadonlySet<DisconnectCause> = new Set(['not_authenticated', 'partial_frame', 'slow_reader'])

/** A socket that the listener has let in. */
export interface Arrival {
  readonly socket: Socket
  /** The sweep it was accepted in. */
  readonly acceptedAt: number
  /** What a certificate has proved, if anything. */
  readonly identity: Identity | null
}

/** Bytes received beyond the request in the engine, and bytes of answers that the kernel has not taken, before we wait. */
const MAX_QUEUED_BYTES = 1024 * 1024
const MAX_UNSENT_BYTES = 1024 * 1024

/** Requests that one connection may have answered before the others get a turn. */
const BURST = 64

const peerLeft = new Error('The client has disconnected.')
const shuttingDown = new Error('The listener is shutting down.')

export class Connection implements Line {
  readonly #socket: Socket
  readonly #host: ConnectionHost
  readonly #peer: Peer
  readonly #splitter: FrameSplitter
  readonly #silence: Silence
  readonly #login: Login | null
  readonly #exchange: Exchange
  readonly #room: Room
  readonly #mute = new Mute(() => this.#onUnmute())
  readonly #acceptedAt: number
  /** The principal that it counts for. */
  #joined: string | null = null
  /** Our last word, held back. */
  #farewell: NodeJS.Timeout | null = null
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

  constructor ({ socket, acceptedAt, identity }: Arrival, host: ConnectionHost) {
    this.#socket = socket
    this.#host = host
    this.#acceptedAt = acceptedAt
    this.#peer = new Peer(socket, host.stats, host.count)
    this.#splitter = new FrameSplitter(host.login === null ? host.maxFrameBytes : host.maxUnauthenticatedFrameBytes)
    this.#silence = new Silence(host.silence)
    this.#login = host.login === null ? null : new Login(host.login, { address: this.#peer.address, listener: host.name })
    this.#exchange = new Exchange(host, this.#peer, this.#login, this)
    this.#room = new Room(host.memory, this.#peer.payer, () => this.#regulate())
    socket.on('data', this.#onData)
    socket.on('drain', this.#onDrain)
    socket.on('end', this.#onEnd)
    socket.on('error', this.#onError)
    socket.on('close', this.#onClose)
    if (identity !== null && !this.#welcome(identity)) return
    socket.resume()
  }

  // ---- for the listener

  /** One sweep: time passes. */
  tick (): void {
    const { log, authenticationTicks, sweeps } = this.#host
    if (this.#farewell !== null) return
    if (!this.#finishing && this.#login?.isDone === false && sweeps - this.#acceptedAt >= authenticationTicks) {
      log.write('info', 'late', this.#peer.describe(null), 'The client did not prove in time who it is. The connection is closed.')
      return this.destroy('not_authenticated')
    }
    if (this.#exchange.busy) return
    if (this.#finishing) {
      if (this.#silence.tickAfterEnd()) this.#socket.destroy()
      return
    }
    // It is we who keep the peer waiting; but half a frame stays half a frame.
    if (this.#room.isWaiting || (this.#mute.isOn && !this.#hungry)) return
    if (this.#mute.isOn) this.#silence.broken()
    const verdict = this.#silence.tick(this.#hungry && this.#splitter.buffered > 0, this.#room.nextBytes)
    if (verdict !== null) this.destroy(verdict === 'idle' && this.#isUnread() ? 'slow_reader' : verdict)
  }

  /** Takes no more requests; lets the one in the engine answer, at once if it only waits, and closes. */
  drain (): void {
    if (!this.#finishing) this.#cause = 'shutdown'
    this.#finishing = true
    if (this.#exchange.busy) return this.#exchange.abort(shuttingDown)
    this.#socket.destroySoon()
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
    this.#room.answered()
    if (this.#finishing) {
      if (!this.#exchange.busy) this.#finish()
      return
    }
    if (throttleMs > 0 && !this.#closed) this.#mute.hold(throttleMs)
    this.#pump()
  }

  proceed (): void {
    this.#pump()
  }

  heard ({ frame, identity, failure }: Outcome, header: RequestHeader | null): void {
    if (failure === null) {
      if (identity !== null && !this.#welcome(identity)) return
      if (frame !== null) this.send(frame)
      return this.done(0)
    }
    const { cause, sentence, delayMs } = failure
    if (!this.#closed) this.#host.log.write('info', cause, this.#peer.describe(header), `${sentence} The connection is closed.`)
    if (this.#finishing || this.#closed) return this.done(0)
    this.#room.answered()
    this.#room.close()
    this.#cause = cause
    this.#finishing = true
    const farewell = (): void => {
      this.#farewell = null
      if (frame !== null) this.send(frame)
      this.#finish()
    }
    if (delayMs > 0) this.#farewell = setTimeout(farewell, delayMs)
    else farewell()
  }

  hangUp (cause: DisconnectCause, header: RequestHeader | null, sentence: string): void {
    this.#room.answered()
    this.#host.log.write('info', cause, this.#peer.describe(header), `${sentence} The connection is closed.`)
    this.destroy(cause)
  }

  fail (error: unknown, header: RequestHeader | null): void {
    const { log, httpHint } = this.#host
    this.#room.answered()
    const { cause, level, sentence, reply } = verdictOn(error, this.#isKafka, formatAddress(this.#peer.reached), httpHint)
    const about = this.#peer.describe(header)
    log.write(level, cause, level === 'error' ? { ...about, err: error } : about, sentence)
    if (reply === null) return this.destroy(cause)
    this.#cause = cause
    this.send([reply])
    this.#finish()
  }

  /** The client has proved who it is. False if it may not stay. */
  #welcome (identity: Identity): boolean {
    const { connections, maxFrameBytes } = this.#host
    const { principal } = identity
    const name = formatPrincipal(principal)
    this.#peer.principal = principal
    if (this.#closed || this.#joined !== null) return true
    if (!connections.joined(name)) {
      this.hangUp('too_many_per_principal', null, `${connections.bounds.maxPerPrincipal} connections of that principal are open, which is the limit.`)
      return false
    }
    this.#joined = name
    this.#room.payer = name
    this.#splitter.limit = maxFrameBytes
    return true
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
        if (this.#mute.isOn && !this.#isUrgent()) break
        const frame = this.#splitter.next()
        if (frame === null) {
          this.#hungry = !this.#exchange.busy
          break
        }
        this.#silence.frameComplete()
        this.#isKafka = true
        this.#room.taken(frame.length)
        this.#exchange.take(frame)
        if (!this.#exchange.busy) this.#room.answered()
      } catch (error) {
        return this.fail(error, null)
      }
    }
    this.#forsake()
    if (this.#hungry && this.#ended) this.#finish()
    else this.#regulate()
  }

  #mayTake (): boolean {
    if (this.#yielding || this.#finishing || (this.#exchange.busy && !this.#mayOverlap())) return false
    // What came before a FIN is carried out even when nobody can be answered any more: acks=0 producers leave at once.
    return this.#closed ? this.#ended : !this.#isUnread()
  }

  /** No more is held for requests in the engine than one could have. */
  #mayOverlap (): boolean {
    return this.#exchange.mayOverlap(this.#splitter.nextApiKey) && this.#room.hasFor(this.#splitter.wanted)
  }

  /** Whether the next request is one that even a muted peer is answered, as far as can be told yet. */
  #isUrgent (): boolean {
    const { nextApiKey } = this.#splitter
    return nextApiKey === null || this.#exchange.expectsToken || this.#mute.lets(nextApiKey)
  }

  /** Whether the peer is behind with reading what it was sent. */
  #isUnread (): boolean {
    return this.#socket.writableLength > MAX_UNSENT_BYTES
  }

  /** Stops reading while enough is waiting, or while there is no room for more. */
  #regulate (): void {
    if (this.#finishing) return
    const full = !this.#hasRoom()
    if (full === this.#paused) return
    this.#paused = full
    if (full) this.#socket.pause()
    else this.#socket.resume()
  }

  /** A frame that is wanted next is waited for; one that comes after the request in the engine is read only where that costs no one else. */
  #hasRoom (): boolean {
    const splitter = this.#splitter
    if (splitter.buffered <= FREE_BYTES) return true
    if (this.#hungry) return this.#room.claim(splitter.wanted)
    if (splitter.buffered > MAX_QUEUED_BYTES || !this.#exchange.busy) return false
    return splitter.wanted > FREE_BYTES && this.#room.tryClaim(splitter.wanted)
  }

  /** Ends a long poll that is the last thing a peer asked for before it left. */
  #forsake (): void {
    if (this.#ended && this.#exchange.onlyReads && this.#splitter.buffered === 0) this.#exchange.abort(peerLeft)
  }

  /** Sends what is unsent, then FIN. What still comes in is thrown away, so that our last words are not lost to a RST. */
  #finish (): void {
    this.#finishing = true
    this.#silence.broken()
    this.#room.close()
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

  #onUnmute (): void {
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
    const { stats, connections, limited, onClose } = this.#host
    this.#closed = true
    this.#mute.cancel()
    if (this.#farewell !== null) clearTimeout(this.#farewell)
    this.#room.close()
    if (this.#joined !== null) connections.parted(this.#joined)
    stats.disconnects[this.#cause]++
    if (limits.has(this.#cause)) limited(this.#cause, this.#peer)
    this.#peer.leave()
    this.#exchange.abort(peerLeft)
    onClose(this)
    if (this.#ended) this.#pump()
  }
}
