/**
 * The native door: accepts connections, sweeps the silent ones away, and closes down in order.
 */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { Logger } from 'pino'
import { MAX_FRAME_BYTES } from '../../protocol/frame.ts'
import type { Dispatch } from '../../protocol/rpc.ts'
import { formatAddress, type Address } from './advertise.ts'
import { Connection, type ConnectionHost } from './connection.ts'
import { Handshake } from './handshake.ts'
import { LogLimit } from './log-limit.ts'
import type { KafkaStats } from './stats.ts'

export interface KafkaLimits {
  /** The longest request, without its length field (Kafka's `socket.request.max.bytes`). */
  readonly maxFrameBytes: number
  /** How long a connection may be silent between requests (Kafka's `connections.max.idle.ms`). */
  readonly idleTimeoutMs: number
  /** How long half a frame may stand still; less than 1 KiB a second counts as standing still. */
  readonly partialFrameTimeoutMs: number
  readonly maxConnections: number
}

export const defaultKafkaLimits: KafkaLimits = {
  maxFrameBytes: MAX_FRAME_BYTES,
  idleTimeoutMs: 600_000,
  partialFrameTimeoutMs: 30_000,
  maxConnections: 10_000
}

export interface KafkaListenerOptions {
  readonly dispatch: Dispatch
  /** What lies behind `dispatch`, by api key: this is what ApiVersions advertises. */
  readonly supports: ReadonlyMap<number, readonly [min: number, max: number]>
  readonly host: string
  /** 0 for any free port. */
  readonly port: number
  /** What clients are told to connect to; null for the address that each of them reached. */
  readonly advertised: Address | null
  readonly limits: KafkaLimits
  readonly logger: Logger
  readonly stats: KafkaStats
  /** The URL of the HTTP door, for those who send HTTP here. */
  readonly httpHint: string | null
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

export function createKafkaListener (options: KafkaListenerOptions): KafkaListener {
  return new Listener(options)
}

class Listener implements KafkaListener {
  readonly #options: KafkaListenerOptions
  readonly #server: Server
  readonly #connections = new Set<Connection>()
  readonly #log: LogLimit
  readonly #sweepMs: number
  #sweep: NodeJS.Timeout | null = null
  #closing: Promise<void> | null = null

  constructor (options: KafkaListenerOptions) {
    const { limits, stats } = options
    this.#options = options
    this.#log = new LogLimit(options.logger)
    this.#sweepMs = Math.min(MAX_SWEEP_MS, Math.max(MIN_SWEEP_MS, Math.min(limits.idleTimeoutMs, limits.partialFrameTimeoutMs) / 4))
    const host = this.#host()
    // allowHalfOpen: a FIN says that no more requests come, not that those that came may be forgotten.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true }, socket => this.#accept(socket, host))
    this.#server.maxConnections = limits.maxConnections
    this.#server.on('drop', drop => {
      stats.disconnects.too_many++
      this.#log.write('warn', 'too_many', { address: drop?.remoteAddress },
        `A connection was refused: ${limits.maxConnections} are open, which is the limit.`)
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
    this.#sweep = setInterval(() => { for (const connection of this.#connections) connection.tick() }, this.#sweepMs).unref()
    logger.info({ address: formatAddress(this.address) }, 'Listening for Kafka clients.')
  }

  close (graceMs: number): Promise<void> {
    this.#closing ??= this.#close(graceMs)
    return this.#closing
  }

  async #close (graceMs: number): Promise<void> {
    if (!this.#server.listening) return
    const closed = new Promise(resolve => this.#server.close(resolve))
    for (const connection of this.#connections) connection.drain()
    const timer = setTimeout(() => { for (const connection of this.#connections) connection.destroy('shutdown') }, graceMs)
    await closed
    clearTimeout(timer)
    clearInterval(this.#sweep!)
  }

  #accept (socket: Socket, host: ConnectionHost): void {
    // The peer may have reset the connection while it waited to be accepted.
    if (socket.destroyed || socket.remoteAddress === undefined) socket.destroy()
    else this.#connections.add(new Connection(socket, host))
  }

  #host (): ConnectionHost {
    const { dispatch, supports, advertised, limits, stats, httpHint } = this.#options
    const ticks = (ms: number): number => Math.ceil(ms / this.#sweepMs)
    return {
      dispatch,
      handshake: new Handshake(supports),
      advertised,
      maxFrameBytes: limits.maxFrameBytes,
      silence: {
        idleTicks: ticks(limits.idleTimeoutMs),
        partialFrameTicks: ticks(limits.partialFrameTimeoutMs),
        partialFrameBytes: limits.partialFrameTimeoutMs * MIN_PROGRESS_BYTES_PER_MS
      },
      log: this.#log,
      stats,
      httpHint,
      onClose: connection => this.#connections.delete(connection)
    }
  }
}
