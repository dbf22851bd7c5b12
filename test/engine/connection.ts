/**
 * A Kafka client of the smallest kind: one connection, requests sent as they come, answers in the order of the requests.
 * It makes a Dispatch out of any server that speaks Kafka.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { complete } from '../../protocol/defaults.ts'
import { FrameSplitter, readResponse, writeRequest } from '../../protocol/frame.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import type { Dispatch } from '../../protocol/rpc.ts'
import type { Api, Request, RequestInput, Response } from '../../protocol/schema.ts'

interface Waiting {
  readonly api: Api
  readonly version: number
  readonly correlationId: number
  readonly resolve: (response: never) => void
  readonly reject: (error: Error) => void
}

/** The connection is gone; what became of a request that was under way nobody knows. */
export class DisconnectedError extends Error {
  override readonly name = 'DisconnectedError'
}

export class Connection {
  readonly #socket: Socket
  readonly #splitter = new FrameSplitter()
  readonly #waiting: Waiting[] = []
  #correlationId = 0
  #ended: DisconnectedError | null = null

  private constructor (socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('error', error => this.#end(error.message))
    socket.on('close', () => this.#end('closed'))
  }

  /** Rejects if nobody listens there. */
  static async open (port: number, host = '127.0.0.1'): Promise<Connection> {
    const socket = connect({ port, host, noDelay: true })
    await once(socket, 'connect')
    return new Connection(socket)
  }

  get isOpen (): boolean {
    return this.#ended === null
  }

  /** How many requests have no answer yet. */
  get inFlight (): number {
    return this.#waiting.length
  }

  /** Rejects with DisconnectedError. A Produce with acks=0 has an answer without responses. */
  send<A extends Api> (api: A, version: number, request: RequestInput<A>, clientId = 'test'): Promise<Response<A>> {
    if (this.#ended !== null) return Promise.reject(this.#ended)
    const correlationId = this.#correlationId++
    // Not what the caller holds: a server that is us would stamp offsets into it, and it may have to be sent again.
    this.#socket.write(Buffer.concat(writeRequest(api, version, correlationId, clientId, request)))
    const isSilent = api.key === Produce.key && (request as RequestInput<typeof Produce>).acks === 0
    if (isSilent) return Promise.resolve(complete(api.response, { responses: [] }) as Response<A>)
    return new Promise((resolve, reject) => this.#waiting.push({ api, version, correlationId, resolve, reject }))
  }

  destroy (): void {
    this.#socket.destroy()
  }

  #receive (chunk: Buffer): void {
    this.#splitter.push(chunk)
    for (let frame = this.#splitter.next(); frame !== null; frame = this.#splitter.next()) {
      const { api, version, correlationId, resolve, reject } = this.#waiting.shift()!
      const response = readResponse(api, version, frame)
      if (response.correlationId === correlationId) resolve(response.body as never)
      else reject(new Error(`answer ${response.correlationId} to request ${correlationId}`))
    }
  }

  #end (why: string): void {
    this.#ended ??= new DisconnectedError(why)
    for (const { reject } of this.#waiting.splice(0)) reject(this.#ended)
  }
}

/** A Dispatch to a server, over as many connections as there are requests at a time. `close` ends them. */
export function remote (port: number): { dispatch: Dispatch, close: () => void } {
  const idle: Connection[] = []
  const all = new Set<Connection>()
  const dispatch: Dispatch = async <A extends Api>(api: A, request: Request<A>, { version, signal }: { version: number, signal: AbortSignal }) => {
    signal.throwIfAborted()
    let connection = idle.pop()
    if (connection?.isOpen !== true) connection = await Connection.open(port)
    const used = connection
    all.add(used)
    const leave = (): void => used.destroy()
    signal.addEventListener('abort', leave, { once: true })
    try {
      return await used.send(api, version, request as RequestInput<A>)
    } finally {
      signal.removeEventListener('abort', leave)
      idle.push(used)
    }
  }
  return { dispatch, close: () => { for (const connection of all) connection.destroy() } }
}
