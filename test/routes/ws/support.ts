/**
 * A WebSocket client for tests that says exactly what it is told, and keeps what it hears in order.
 */
import type { Test } from 'tap'
import { fastify, type FastifyInstance } from 'fastify'
import { WebSocket, type ClientOptions } from 'ws'
import { browserClient } from '../../../routes/client-js.ts'
import { readContract } from '../../../routes/contract.ts'
import type { HttpDoor } from '../../../routes/door.ts'
import { defaultTiming, SUB_PROTOCOL, type Timing } from '../../../routes/ws/limits.ts'
import { shouldUpgrade, webSocket } from '../../../routes/ws.ts'
import { buildBatch, type NewRecord } from '../../../protocol/records.ts'
import type { MemoryLog } from '../../support/memory-log.ts'
import { contractPath, openDoor, type TestDoor, type TestDoorOptions } from '../../support/http-door.ts'

export interface RecordJson {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly value: unknown
}

/** Any message of the server: what is not in its type is undefined. */
export interface Message {
  readonly type: string
  readonly id?: string
  readonly cursor: string
  readonly bytes: number
  readonly records: readonly RecordJson[]
  readonly results: readonly { readonly partition: number, readonly offset: number, readonly timestamp: string, readonly error?: { readonly status: number } }[]
  readonly problem: { readonly status: number, readonly detail: string, readonly type: string }
  readonly retry: boolean
  readonly [field: string]: unknown
}

export interface Close { readonly code: number, readonly reason: string }

export class Peer {
  readonly socket: WebSocket
  /** The texts of all messages of records, as they came. */
  readonly texts: string[] = []
  readonly closed: Promise<Close>
  readonly #inbox: Message[] = []
  #wake: () => void = () => {}
  #isClosed = false

  constructor (socket: WebSocket) {
    this.socket = socket
    this.closed = new Promise(resolve => socket.on('close', (code, reason) => {
      this.#isClosed = true
      this.#wake()
      resolve({ code, reason: reason.toString() })
    }))
    socket.on('error', () => {})
    socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString()) as Message
      if (message.type === 'records') this.texts.push(data.toString())
      this.#inbox.push(message)
      this.#wake()
    })
  }

  send (...messages: object[]): void {
    for (const message of messages) this.socket.send(JSON.stringify(message))
  }

  /** The next message; if it is of another type than expected, that is an error. */
  async next (type?: string): Promise<Message> {
    while (this.#inbox.length === 0) {
      if (this.#isClosed) throw new Error(`closed before a message${type === undefined ? '' : ` of type ${type}`} came`)
      await new Promise<void>(resolve => { this.#wake = resolve })
    }
    const message = this.#inbox.shift()!
    if (type !== undefined && message.type !== type) throw new Error(`expected ${type}, got ${JSON.stringify(message)}`)
    return message
  }

  /** The next message of a type, whatever comes before it. */
  async find (type: string): Promise<Message> {
    for (;;) {
      const message = await this.next()
      if (message.type === type) return message
    }
  }

  /** The next messages of records, until there are `count` records. Other messages are passed over. */
  async records (count: number): Promise<RecordJson[]> {
    const records: RecordJson[] = []
    while (records.length < count) records.push(...(await this.find('records')).records)
    return records
  }

  /** Everything that has come by the time that the server has dealt with all we sent. */
  async settled (): Promise<Message[]> {
    const pong = new Promise(resolve => this.socket.once('pong', resolve))
    this.socket.ping()
    await pong
    return this.#inbox.splice(0)
  }

  close (): Promise<Close> {
    this.socket.close()
    return this.closed
  }
}

export interface PeerOptions {
  /** The sub-protocol to name; null for none. */
  readonly protocol?: string | null
  readonly headers?: Readonly<Record<string, string>>
  readonly autoPong?: boolean
  /** Say nothing yet. */
  readonly silent?: boolean
}

/** Opens a socket and, unless it is to be silent, connects. Rejects with what the server answered instead. */
export async function openPeer (t: Test, url: string, options: PeerOptions = {}): Promise<Peer> {
  const { protocol = SUB_PROTOCOL, headers = {}, silent = false, autoPong = true } = options
  const clientOptions: ClientOptions = { headers: { ...headers }, autoPong }
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`, protocol === null ? [] : [protocol], clientOptions)
  const peer = new Peer(socket)
  t.teardown(() => socket.terminate())
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
    socket.once('unexpected-response', (_request, response) => {
      let body = ''
      response.on('data', (chunk: Buffer) => { body += chunk.toString() })
      const { statusCode: status, headers } = response
      response.on('end', () => reject(Object.assign(new Error(`status ${status}`), { status, headers, body })))
    })
  })
  if (silent) return peer
  if (protocol !== null) peer.send({ type: 'connect' })
  await peer.next('connected')
  return peer
}

/** A door over a log in memory, and a peer that is connected to it. */
export async function openBoth (t: Test, options: TestDoorOptions = {}): Promise<TestDoor & { readonly url: string, readonly peer: Peer }> {
  const door = await openDoor(t, options)
  const url = await door.listen()
  return { ...door, url, peer: await openPeer(t, url) }
}

export interface Gateway {
  readonly url: string
  readonly app: FastifyInstance
}

/** A server of its own for a door, with the WebSocket and its client and nothing else. */
export async function openGateway (t: Test, door: HttpDoor, timing: Partial<Timing> = {}, port = 0): Promise<Gateway> {
  const app = fastify({ http: { shouldUpgradeCallback: shouldUpgrade } })
  t.teardown(() => app.close())
  const contract = await readContract(contractPath)
  webSocket(app, door, contract, { ...defaultTiming, ...timing })
  browserClient(app, door, contract)
  return { app, url: await app.listen({ host: '127.0.0.1', port }) }
}

/** Appends behind the door's back, each record in a batch of its own. */
export function append (log: MemoryLog, topic: string, values: readonly (string | Buffer)[], partition = 0): void {
  const target = (log.topics.get(topic) ?? log.create(topic)).partitions[partition]!
  for (const value of values) {
    const record: NewRecord = { key: null, value: Buffer.from(value) }
    const batch = buildBatch([record], { baseOffset: target.end, leaderEpoch: 0 })
    target.batches.push(batch)
    target.end = batch.nextOffset
  }
}

export const offsetsOf = (message: Message): number[] => message.records.map(({ offset }) => offset)

/** Until something is so, which no event tells of. Rejects if it does not come about. */
export async function eventually (condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`it never came about that ${condition.toString()}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}
