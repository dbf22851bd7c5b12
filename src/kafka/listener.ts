/**
 * The native door: accepts connections, sweeps the silent ones away, and closes down in order.
 */
import type { X509Certificate } from 'node:crypto'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Logger } from 'pino'
import { MAX_FRAME_BYTES } from '../../protocol/frame.ts'
import type { Context, Dispatch } from '../../protocol/rpc.ts'
import type { ConnectionLimits } from '../access/connections.ts'
import type { MemoryBudget } from '../access/memory-budget.ts'
import { AuthenticationFailed, type Identity, type Mechanism, type Origin, type SaslServer } from '../auth/identity.ts'
import { Doorkeeper } from './admission.ts'
import { formatAddress, onlyOwn, plainAddress, type Address } from './advertise.ts'
import { Connection, type ConnectionHost } from './connection.ts'
import { Handshake, type Supports } from './handshake.ts'
import { LogLimit } from './log-limit.ts'
import { usesSasl, usesTls, type SecurityProtocol } from './security.ts'
import type { KafkaStats } from './stats.ts'
import { describeTlsFailure, TlsGate, type ListenerTls, type TlsFailure } from './tls.ts'

export interface KafkaLimits {
  /** The longest request, without its length field (Kafka's `socket.request.max.bytes`). */
  readonly maxFrameBytes: number
  /** How long a connection may be silent between requests (Kafka's `connections.max.idle.ms`). */
  readonly idleTimeoutMs: number
  /** How long half a frame may stand still; less than 1 KiB a second counts as standing still. */
  readonly partialFrameTimeoutMs: number
  /** How long a client has from being accepted to having proved who it is, TLS included. */
  readonly authenticationTimeoutMs: number
  /** The longest request before that (Kafka's `sasl.server.max.receive.size`). */
  readonly maxUnauthenticatedFrameBytes: number
  /** How many requests it may take. */
  readonly maxUnauthenticatedRequests: number
  /** For how long a connection that came too soon is left unread before it is closed. */
  readonly refusalDelayMs: number
}

export const defaultKafkaLimits: KafkaLimits = {
  maxFrameBytes: MAX_FRAME_BYTES,
  idleTimeoutMs: 600_000,
  partialFrameTimeoutMs: 30_000,
  authenticationTimeoutMs: 10_000,
  maxUnauthenticatedFrameBytes: 512 * 1024,
  maxUnauthenticatedRequests: 8,
  refusalDelayMs: 1000
}

export interface KafkaListenerOptions {
  /** How logs, metrics and the audit speak of it. */
  readonly name: string
  readonly protocol: SecurityProtocol
  /** For SSL and SASL_SSL. */
  readonly tls: ListenerTls | null
  /** Whose certificate it is that a client of an SSL listener has shown; throws AuthenticationFailed if nobody's. Null where nobody is told by it. */
  readonly identityOf: ((certificate: X509Certificate, origin: Origin) => Identity) | null
  /** For SASL_PLAINTEXT and SASL_SSL. */
  readonly sasl: SaslServer | null
  /** What the listener offers of it. */
  readonly mechanisms: readonly Mechanism[]
  /** After how long clients are to authenticate anew (Kafka's `connections.max.reauth.ms`); 0 for never. */
  readonly maxReauthMs: number
  /** Shared with the other doors. */
  readonly connections: ConnectionLimits
  readonly memory: MemoryBudget
  /** Told how long the event loop was busy with a request, for `request_percentage`. While it is null, no clock is read. */
  readonly work: ((context: Context, ms: number) => void) | null
  readonly dispatch: Dispatch
  /**
   * What lies behind `dispatch`, by api key: this is what ApiVersions advertises. A function where that may change: it gives
   * another map then, and the same one until then.
   */
  readonly supports: Supports | (() => Supports)
  readonly host: string
  /** 0 for any free port. */
  readonly port: number
  /** What clients are told to connect to; null for the address that each of them reached. */
  readonly advertised: Address | null
  /** Where clients of a listener find the nodes whose host the engine leaves empty; everywhere at `own`, where they came in, if not given. */
  readonly addressOf?: (nodeId: number, listener: string, own: Address) => Address
  readonly limits: KafkaLimits
  readonly logger: Logger
  readonly stats: KafkaStats
  /** The URL of the HTTP door, for those who send HTTP here. */
  readonly httpHint: string | null
  /** Told whom a limit has cost the connection, but those of `connections`. */
  readonly limited?: (limit: string, who: { readonly address: string }) => void
}

export interface KafkaListener {
  /** Rejects with a sentence for the operator if the address cannot be had. */
  listen (): Promise<void>
  /** Where it listens. Only once it does. */
  readonly address: Address
  /** Takes nothing new, lets the requests in the engine answer for up to `graceMs`, and closes every connection. */
  close (graceMs: number): Promise<void>
}

const MIN_PROGRESS_BYTES_PER_MS = 1024 / 1000
const MIN_SWEEP_MS = 10
const MAX_SWEEP_MS = 1000
const MAX_LINGER_MS = 5000

export function createKafkaListener (options: KafkaListenerOptions): KafkaListener {
  return new Listener(options)
}

class Listener implements KafkaListener {
  readonly #options: KafkaListenerOptions
  readonly #server: Server
  readonly #connections = new Set<Connection>()
  readonly #log: LogLimit
  readonly #doorkeeper: Doorkeeper
  readonly #gate: TlsGate | null
  readonly #sweepMs: number
  #sweeps = 0
  #sweep: NodeJS.Timeout | null = null
  #closing: Promise<void> | null = null

  constructor (options: KafkaListenerOptions) {
    const { limits, logger, connections, stats } = options
    const { idleTimeoutMs, partialFrameTimeoutMs, authenticationTimeoutMs, refusalDelayMs } = limits
    this.#options = options
    this.#log = new LogLimit(logger.child({ listener: options.name }))
    this.#sweepMs = Math.min(MAX_SWEEP_MS, Math.max(MIN_SWEEP_MS, Math.min(idleTimeoutMs, partialFrameTimeoutMs, authenticationTimeoutMs) / 4))
    this.#doorkeeper = new Doorkeeper(connections, refusalDelayMs, this.#log, stats)
    const host = this.#host()
    this.#gate = this.#createGate(host)
    // allowHalfOpen: a FIN says that no more requests come, not that those that came may be forgotten.
    // pauseOnConnect: nothing is read from whoever is not let in.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true, pauseOnConnect: true }, socket => {
      if (!this.#doorkeeper.admit(socket)) return
      if (this.#gate === null) this.#open(socket, this.#sweeps, null, host)
      else this.#gate.enter(socket, this.#sweeps)
    })
  }

  get address (): Address {
    const address = this.#server.address() as AddressInfo | null
    if (address === null) throw new Error('The Kafka listener does not listen.')
    return { host: address.address, port: address.port }
  }

  async listen (): Promise<void> {
    const { host, port, logger } = this.#options
    await new Promise<void>((resolve, reject) => {
      const onError = (error: Error): void => {
        reject(new Error(`Cannot listen for Kafka clients on ${formatAddress({ host, port })}: ${error.message}. ` +
          'Free that address or choose another one.', { cause: error }))
      }
      this.#server.once('error', onError)
      this.#server.listen(port, host, () => {
        this.#server.off('error', onError)
        resolve()
      })
    })
    // An accept that fails, for want of file descriptors above all, is no reason to stop accepting.
    this.#server.on('error', error => this.#log.write('error', 'accept', { err: error }, 'A connection could not be accepted.'))
    this.#sweep = setInterval(() => {
      this.#sweeps++
      for (const connection of this.#connections) connection.tick()
    }, this.#sweepMs).unref()
    const { name, protocol } = this.#options
    logger.info({ listener: name, protocol, address: formatAddress(this.address) }, 'Listening for Kafka clients.')
  }

  close (graceMs: number): Promise<void> {
    this.#closing ??= this.#close(graceMs)
    return this.#closing
  }

  async #close (graceMs: number): Promise<void> {
    if (!this.#server.listening) return
    const closed = new Promise(resolve => this.#server.close(resolve))
    this.#doorkeeper.close()
    this.#gate?.close()
    for (const connection of this.#connections) connection.drain()
    const timer = setTimeout(() => { for (const connection of this.#connections) connection.destroy('shutdown') }, graceMs)
    await closed
    clearTimeout(timer)
    clearInterval(this.#sweep!)
  }

  #open (socket: Socket, acceptedAt: number, identity: Identity | null, host: ConnectionHost): void {
    this.#connections.add(new Connection({ socket, acceptedAt, identity }, host))
  }

  #createGate (host: ConnectionHost): TlsGate | null {
    const { protocol, tls, limits, stats } = this.#options
    if (!usesTls(protocol)) return null
    if (tls === null) throw new Error(`A listener with the protocol ${protocol} needs a certificate.`)
    const log = this.#log
    return new TlsGate(tls, limits.authenticationTimeoutMs, {
      onSecure: (socket, acceptedAt) => this.#identify(socket, acceptedAt, host),
      onFailure: (error, socket) => {
        // Whoever only looks whether the port is open has nothing to be told.
        if (error.code === 'ECONNRESET' && socket.bytesRead === 0) {
          stats.disconnects.client++
          return
        }
        stats.disconnects.tls++
        log.write('warn', `tls ${kindOf(error)}`, { address: plainAddress(socket.remoteAddress ?? '') },
          describeTlsFailure(error, formatAddress(this.address)))
      },
      onReloadFailure: error => log.write('error', 'tls_reload', { err: error },
        'The changed certificate cannot be used; the one before stays in use. Check that certificate, key and authorities belong together.')
    })
  }

  /** Who comes with a certificate and does not use SASL is whom the certificate names. */
  #identify (socket: TLSSocket, acceptedAt: number, host: ConnectionHost): void {
    const { name: listener, protocol, identityOf, stats } = this.#options
    const certificate = usesSasl(protocol) || identityOf === null ? undefined : socket.getPeerX509Certificate()
    if (certificate === undefined) return this.#open(socket, acceptedAt, null, host)
    const address = plainAddress(socket.remoteAddress ?? '')
    let identity: Identity
    try {
      identity = identityOf!(certificate, { address, listener })
    } catch (error) {
      const known = error instanceof AuthenticationFailed
      stats.authenticated('TLS', 'failure')
      stats.disconnects[known ? 'authentication_failed' : 'failure']++
      const about = { address, subject: certificate.subject.slice(0, MAX_SUBJECT) }
      if (known) this.#log.write('warn', 'certificate', about, `Authentication with a certificate failed: ${error.reason}. The connection is closed.`)
      else this.#log.write('error', 'failure', { ...about, err: error }, 'A certificate could not be judged. The connection is closed.')
      socket.destroy()
      return
    }
    stats.authenticated('TLS', 'success')
    this.#open(socket, acceptedAt, identity, host)
  }

  #host (): ConnectionHost {
    const {
      name, protocol, sasl, mechanisms, maxReauthMs, dispatch, supports, advertised, connections, memory, work, limits, stats, httpHint,
      addressOf, limited = () => {}
    } = this.#options
    if (usesSasl(protocol) && sasl === null) throw new Error(`A listener with the protocol ${protocol} needs somebody who knows credentials.`)
    const ticks = (ms: number): number => Math.ceil(ms / this.#sweepMs)
    const sweeps = (): number => this.#sweeps
    return {
      name,
      dispatch,
      handshake: new Handshake(supports, protocol),
      login: usesSasl(protocol) ? { server: sasl!, mechanisms, maxReauthMs, maxRequests: limits.maxUnauthenticatedRequests, stats } : null,
      advertised,
      addressOf: addressOf === undefined ? onlyOwn : (nodeId, own) => addressOf(nodeId, name, own),
      connections,
      memory,
      work,
      maxFrameBytes: limits.maxFrameBytes,
      maxUnauthenticatedFrameBytes: Math.min(limits.maxFrameBytes, limits.maxUnauthenticatedFrameBytes),
      authenticationTicks: ticks(limits.authenticationTimeoutMs),
      get sweeps () { return sweeps() },
      silence: {
        idleTicks: ticks(limits.idleTimeoutMs),
        partialFrameTicks: ticks(limits.partialFrameTimeoutMs),
        partialFrameBytes: limits.partialFrameTimeoutMs * MIN_PROGRESS_BYTES_PER_MS,
        lingerTicks: ticks(Math.min(limits.partialFrameTimeoutMs, MAX_LINGER_MS))
      },
      log: this.#log,
      stats,
      count: stats.listener(name, protocol),
      httpHint,
      limited,
      onClose: connection => this.#connections.delete(connection)
    }
  }
}

const MAX_SUBJECT = 256

/** For the log's limit: timeouts and departures do not silence what has a remedy. */
const kindOf = ({ code }: TlsFailure): string => code === 'ECONNRESET' ? 'left' : code === 'ERR_TLS_HANDSHAKE_TIMEOUT' ? 'timeout' : 'failed'
