/**
 * A broker in this process that speaks the real protocol over a real socket and does what a test tells it to: answers, delays,
 * talks nonsense, cuts the connection, says nothing. One request of a connection at a time, as Kafka does it.
 */
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { apiOf, apis } from '../../protocol/apis.ts'
import { complete } from '../../protocol/defaults.ts'
import { errors } from '../../protocol/errors.ts'
import { FrameSplitter, readRequest, readRequestHeader, writeResponse } from '../../protocol/frame.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import { ApiVersions } from '../../protocol/messages/18-api-versions.ts'
import { Reader } from '../../protocol/reader.ts'
import type { Api, Request, ResponseInput } from '../../protocol/schema.ts'

export interface Asked<A extends Api = Api> {
  readonly api: A
  readonly version: number
  readonly clientId: string | null
  readonly request: Request<A>
  readonly socket: Socket
  /** Aborted when the connection ends. */
  readonly left: AbortSignal
}

/** An answer that is not simply sent. */
export class Fault {
  readonly body: object
  readonly act: (frame: Buffer, socket: Socket) => void

  constructor (act: Fault['act'], body: object = {}) {
    this.act = act
    this.body = body
  }
}

/** The first bytes of an answer, and then the end. */
export const cutAfter = (bytes: number, body: object = {}): Fault => new Fault((frame, socket) => { socket.end(frame.subarray(0, bytes)) }, body)
export const says = (bytes: Buffer): Fault => new Fault((_frame, socket) => { socket.write(bytes) })
/** The answer to some other request. */
export const toAnother = (body: object = {}): Fault => new Fault((frame, socket) => {
  const other = Buffer.from(frame)
  other.writeInt32BE(other.readInt32BE(4) + 7, 4)
  socket.write(other)
}, body)
/** A frame of so many bytes that does not come. */
export const announces = (bytes: number): Fault => new Fault((frame, socket) => {
  const begun = Buffer.from(frame)
  begun.writeUInt32BE(bytes, 0)
  socket.write(begun)
})
export const never = (): Promise<never> => new Promise(() => {})

export type Handler<A extends Api = Api> = (asked: Asked<A>) => object | Promise<object>

export class FakeBroker {
  readonly id: number
  readonly host = '127.0.0.1'
  readonly rack: string
  /** Each request that was read. */
  readonly asked: Asked[] = []
  readonly sockets = new Set<Socket>()
  /** What it speaks, by api key. */
  versions = new Map<number, readonly [number, number]>(apis.map(({ key, versions }) => [key, versions]))
  accepted = 0
  #port = 0
  #server: Server | null = null
  readonly #handlers = new Map<number, Handler>()

  constructor (id: number) {
    this.id = id
    this.rack = `rack-of-${id}`
    this.on(ApiVersions, () => ({
      errorCode: errors.NONE, apiKeys: [...this.versions].map(([apiKey, [minVersion, maxVersion]]) => ({ apiKey, minVersion, maxVersion }))
    }))
  }

  /** The same after a restart. */
  get port (): number { return this.#port }

  /** Replaces what was answered before. Gives what undoes that. */
  on<A extends Api> (api: A, handler: Handler<A>): () => void {
    const before = this.#handlers.get(api.key)
    this.#handlers.set(api.key, handler as unknown as Handler)
    return () => { if (before !== undefined) this.#handlers.set(api.key, before) }
  }

  /** Requests of one api, in the order in which they were read. */
  askedFor<A extends Api> (api: A): Asked<A>[] {
    return this.asked.filter(asked => asked.api.key === api.key) as unknown as Asked<A>[]
  }

  async start (): Promise<void> {
    this.#server = createServer({ noDelay: true }, socket => this.#serve(socket))
    this.#server.listen(this.#port, this.host)
    await once(this.#server, 'listening')
    this.#port = (this.#server.address() as AddressInfo).port
  }

  /** As when it is killed: its connections end, and none is accepted. */
  async stop (): Promise<void> {
    if (this.#server === null) return
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server = null
    this.cut()
    await closed
  }

  cut (): void {
    for (const socket of this.sockets) socket.resetAndDestroy()
  }

  #serve (socket: Socket): void {
    this.accepted++
    this.sockets.add(socket)
    const left = new AbortController()
    const splitter = new FrameSplitter()
    let last: Promise<void> = Promise.resolve()
    socket.on('error', () => {})
    socket.on('close', () => {
      this.sockets.delete(socket)
      left.abort()
    })
    socket.on('data', (chunk: Buffer) => {
      splitter.push(chunk)
      for (let frame = splitter.next(); frame !== null; frame = splitter.next()) {
        const whole = frame
        last = last.then(() => this.#take(whole, socket, left.signal))
      }
    })
  }

  async #take (frame: Buffer, socket: Socket, left: AbortSignal): Promise<void> {
    const reader = new Reader(frame)
    const { apiKey, version, correlationId, clientId } = readRequestHeader(reader)
    const api = apiOf(apiKey)!
    const [min, max] = this.versions.get(apiKey) ?? [0, -1]
    // KIP-511: what is asked for in a version that is not known is told which ones are.
    const isTooNew = api.key === ApiVersions.key && (version < min || version > max)
    const asked = { api, version, clientId, request: isTooNew ? {} : readRequest(api, version, reader), socket, left } as unknown as Asked
    this.asked.push(asked)
    if (!isTooNew && (version < min || version > max)) {
      socket.destroy()
      return
    }
    const answer = await (this.#handlers.get(apiKey) ?? (() => ({})))(asked)
    if (api.key === Produce.key && (asked.request as Request<typeof Produce>).acks === 0) return
    const body = complete(api.response, (answer instanceof Fault ? answer.body : answer) as ResponseInput<Api>)
    const bytes = Buffer.concat(writeResponse(api, isTooNew ? 0 : version, correlationId, isTooNew ? { ...body, errorCode: errors.UNSUPPORTED_VERSION } : body))
    if (socket.destroyed) return
    if (answer instanceof Fault) answer.act(bytes, socket)
    else socket.write(bytes)
  }
}
