/**
 * A native door with a fake engine behind it, and a client of bare bytes before it.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Writable } from 'node:stream'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import { pino } from 'pino'
import type { Test } from 'tap'
import { complete } from '../../../protocol/defaults.ts'
import { FrameSplitter, readResponse, writeRequest } from '../../../protocol/frame.ts'
import type { Produce } from '../../../protocol/messages/00-produce.ts'
import type { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import type { Heartbeat } from '../../../protocol/messages/12-heartbeat.ts'
import type { Context, Dispatch } from '../../../protocol/rpc.ts'
import type { Api, Request, RequestInput, Response } from '../../../protocol/schema.ts'
import { apis } from '../../../protocol/apis.ts'
import { ConnectionLimits, defaultConnectionBounds, type ConnectionBounds } from '../../../src/access/connections.ts'
import { DEFAULT_BYTES_PER_PRINCIPAL, MemoryBudget } from '../../../src/access/memory-budget.ts'
import { createKafkaListener, defaultKafkaLimits, type KafkaLimits, type KafkaListener, type KafkaListenerOptions } from '../../../src/kafka/listener.ts'
import { KafkaStats } from '../../../src/kafka/stats.ts'

export interface LogLine { readonly level: number, readonly msg: string, readonly [field: string]: unknown }

export interface Door {
  readonly listener: KafkaListener
  readonly stats: KafkaStats
  readonly logs: LogLine[]
  readonly connections: ConnectionLimits
  readonly memory: MemoryBudget
  readonly port: number
  /** An open connection, torn down with the test. */
  readonly open: (localAddress?: string) => Promise<Wire>
  /** The same over TLS. Rejects if the handshake fails. */
  readonly openTls: (options: ConnectionOptions) => Promise<Wire>
  /** Waits until `count` connections have ended for `cause`. */
  readonly ended: (cause: keyof KafkaStats['disconnects'], count?: number) => Promise<void>
}

type Answer = (api: Api, request: Request<Api>, context: Context) => unknown

/** A dispatch from a function that may return a promise and may leave fields out. */
export function dispatchOf (answer: Answer): Dispatch {
  return async (api, request, context) => complete(api.response, await answer(api, request, context) as never) as never
}

export const beat = (memberId: string): RequestInput<typeof Heartbeat> => ({ groupId: 'g', generationId: 1, memberId })

export const produce = (acks: number, topic = 't', records = Buffer.from('records')): RequestInput<typeof Produce> =>
  ({ acks, timeoutMs: 1000, topicData: [{ name: topic, partitionData: [{ index: 0, records: [records] }] }] })

export const topicOf = (request: Request<Api>): string => (request as Request<typeof Produce>).topicData[0]!.name

/** A Fetch that would wait for a minute. */
export const poll: RequestInput<typeof Fetch> = { maxWaitMs: 60_000, minBytes: 1, topics: [] }

/** A response to Fetch with these record bytes. */
export function fetched (...records: Buffer[]): object {
  return { responses: [{ topic: 't', partitions: [{ partitionIndex: 0, errorCode: 0, highWatermark: 1, abortedTransactions: null, records }] }] }
}

/** All that the codec can read. */
export const everything: ReadonlyMap<number, readonly [number, number]> = new Map(apis.map(api => [api.key, api.versions]))

export type DoorOptions = Partial<Omit<KafkaListenerOptions, 'limits' | 'dispatch'>> &
  { limits?: Partial<KafkaLimits>, bounds?: Partial<ConnectionBounds>, dispatch?: Dispatch, answer?: Answer }

export async function openDoor (t: Test, options: DoorOptions = {}): Promise<Door> {
  const {
    answer = () => ({}), limits, bounds,
    connections = new ConnectionLimits({ ...defaultConnectionBounds, ...bounds }),
    memory = new MemoryBudget(1024 * 1024 * 1024, DEFAULT_BYTES_PER_PRINCIPAL),
    ...rest
  } = options
  const logs: LogLine[] = []
  const stats = new KafkaStats()
  const logger = pino(new Writable({
    write (line, _encoding, done) {
      logs.push(JSON.parse(String(line)) as LogLine)
      done()
    }
  }))
  const listener = createKafkaListener({
    name: 'test',
    protocol: 'PLAINTEXT',
    tls: null,
    identityOf: null,
    sasl: null,
    mechanisms: [],
    maxReauthMs: 0,
    connections,
    memory,
    work: null,
    dispatch: dispatchOf(answer),
    supports: everything,
    host: '127.0.0.1',
    port: 0,
    advertised: null,
    logger,
    stats,
    httpHint: null,
    ...rest,
    limits: { ...defaultKafkaLimits, ...limits }
  })
  await listener.listen()
  t.teardown(() => listener.close(0))
  const { host, port } = listener.address
  return {
    listener,
    stats,
    logs,
    connections,
    memory,
    port,
    async open (localAddress) {
      const wire = await Wire.open(host, port, localAddress)
      t.teardown(() => wire.socket.destroy())
      return wire
    },
    async openTls (options) {
      const wire = await Wire.openTls({ host, port, ...options })
      t.teardown(() => wire.socket.destroy())
      return wire
    },
    async ended (cause, count = 1) {
      await until(() => stats.disconnects[cause] >= count)
      t.equal(stats.disconnects[cause], count, `connections ended: ${cause}`)
    }
  }
}

/** Waits for what has no event of its own; the test's own timeout bounds it. */
export async function until (condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setTimeout(resolve, 2))
}

/** Waits until a number has begun to grow and has stopped. */
export async function settled (read: () => number): Promise<number> {
  let last = 0
  for (let still = 0; still < 20; await new Promise(resolve => setTimeout(resolve, 2))) {
    const now = read()
    still = now > 0 && now === last ? still + 1 : 0
    last = now
  }
  return last
}

export class Wire {
  readonly socket: Socket
  #splitter = new FrameSplitter()
  #waiting: (() => void) | null = null
  #ended = false
  receivedBytes = 0

  private constructor (socket: Socket) {
    this.socket = socket
    const wake = (): void => {
      this.#waiting?.()
      this.#waiting = null
    }
    socket.on('data', (chunk: Buffer) => {
      this.receivedBytes += chunk.length
      this.#splitter.push(chunk)
      wake()
    })
    const end = (): void => {
      this.#ended = true
      wake()
    }
    socket.on('end', end).on('close', end).on('error', end)
  }

  static async open (host: string, port: number, localAddress?: string): Promise<Wire> {
    const socket = connect({ host, port, allowHalfOpen: true, noDelay: true, ...localAddress === undefined ? {} : { localAddress } })
    await once(socket, 'connect')
    return new Wire(socket)
  }

  static async openTls (options: ConnectionOptions): Promise<Wire> {
    const halfOpen: ConnectionOptions & { allowHalfOpen: boolean } = { ...options, allowHalfOpen: true }
    const socket = connectTls(halfOpen)
    await once(socket, 'secureConnect')
    return new Wire(socket)
  }

  get ended (): boolean { return this.#ended }

  write (bytes: Buffer | readonly Buffer[]): void {
    this.socket.write(Array.isArray(bytes) ? Buffer.concat(bytes) : bytes as Buffer)
  }

  send<A extends Api> (api: A, version: number, correlationId: number, body: RequestInput<A>, clientId: string | null = 'test'): void {
    this.write(requestFrame(api, version, correlationId, body, clientId))
  }

  /** The next response frame, or null when the server has closed the connection. */
  async next (): Promise<Buffer | null> {
    for (;;) {
      const frame = this.#splitter.next()
      if (frame !== null) return frame
      if (this.#ended) return null
      await new Promise<void>(resolve => { this.#waiting = resolve })
    }
  }

  /** The next bare token, which may be empty, as no frame is. Only where nothing follows it that was not asked for. */
  async bare (): Promise<Buffer> {
    for (;;) {
      if (this.#ended) throw new Error('the connection was closed instead of a token')
      if (this.#splitter.buffered === 4 && this.#splitter.wanted === 0) {
        this.#splitter = new FrameSplitter()
        return Buffer.alloc(0)
      }
      if (this.#splitter.buffered > 4) return (await this.next())!
      await new Promise<void>(resolve => { this.#waiting = resolve })
    }
  }

  /** The next response; throws if the server closed the connection instead. */
  async answer<A extends Api> (api: A, version: number): Promise<{ correlationId: number, body: Response<A> }> {
    const frame = await this.next()
    if (frame === null) throw new Error('the connection was closed instead of an answer')
    return readResponse(api, version, frame)
  }

  /** Resolves when the server has closed, having sent no further frame. */
  async closed (): Promise<void> {
    const frame = await this.next()
    if (frame !== null) throw new Error(`a frame of ${frame.length} bytes instead of the end`)
    this.socket.end()
  }

  /** Asks for Metadata and waits for the answer: whether the door still serves. */
  async ping (correlationId = 1): Promise<void> {
    this.send(Metadata, 1, correlationId, { topics: [] })
    const answer = await this.answer(Metadata, 1)
    if (answer.correlationId !== correlationId) throw new Error(`answer ${answer.correlationId} to request ${correlationId}`)
  }
}

export function requestFrame<A extends Api> (
  api: A, version: number, correlationId: number, body: RequestInput<A>, clientId: string | null = 'test'
): Buffer {
  return Buffer.concat(writeRequest(api, version, correlationId, clientId, body))
}

export interface Deferred<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (error: unknown) => void
}

export const deferred = <T = void>(): Deferred<T> => Promise.withResolvers<T>()
