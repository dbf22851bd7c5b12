/**
 * One connection to a broker: requests go out as they come, answers come back in that order (Kafka promises it), each to
 * whoever waits for it. Record bytes are written and handed on as they lie.
 */
import type { Socket } from 'node:net'
import { complete } from '../../protocol/defaults.ts'
import { readResponse, readdressed, writeRequest } from '../../protocol/frame.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import type { Api, Request, RequestInput, Response } from '../../protocol/schema.ts'
import { FrameAssembler } from './assembler.ts'
import { UpstreamFailure } from './failure.ts'

/** What a connection tells whoever keeps count. */
export interface ConnectionObserver {
  /** A request was answered after so many ms. */
  answered (ms: number): void
  sent (bytes: number): void
  received (bytes: number): void
  ended (connection: UpstreamConnection, cause: string | null): void
}

interface Waiting {
  readonly api: Api
  readonly version: number
  readonly correlationId: number
  readonly sentAt: number
  /** When it is given up, with the connection, in ms of `performance.now()`. */
  readonly deadline: number
  readonly resolve: (response: never) => void
  readonly reject: (error: Error) => void
}

export interface SendOptions {
  readonly clientId: string
  /** How long the answer may take, in ms. */
  readonly timeoutMs: number
  /** Called when it has its place among the requests to the broker. */
  readonly sent?: (() => void) | undefined
  /** The same request in the same version, as it came from a client. */
  readonly frame?: Buffer | undefined
}

export class UpstreamConnection {
  readonly #socket: Socket
  readonly #observer: ConnectionObserver
  readonly #assembler = new FrameAssembler()
  readonly #waiting: Waiting[] = []
  #correlationId = 0
  /** Why it can be used no more. */
  #ended: string | null = null
  #finishing = false
  /** Whether something was sent that has no answer, and nothing was answered that came behind it. */
  #isSilent = false
  #onIdle: PromiseWithResolvers<void> | null = null
  /** When the proof of who we are runs out, in ms of `performance.now()`. */
  expiresAt = Infinity

  /** Takes over a connected socket. */
  constructor (socket: Socket, observer: ConnectionObserver) {
    this.#socket = socket
    this.#observer = observer
    socket.on('data', (chunk: Buffer) => this.receive(chunk))
    socket.on('error', error => this.#end(error.message, true))
    socket.on('end', () => this.#end('the broker has closed the connection', true))
    socket.on('close', () => this.#end('the connection is closed', true))
  }

  get isOpen (): boolean {
    return this.#ended === null && !this.#finishing
  }

  /** The broker has closed it, which is all that it can say to a Produce without an answer. */
  get hasRefusedSilently (): boolean {
    return this.#ended !== null && this.#isSilent
  }

  /** How many requests have no answer yet. */
  get inFlight (): number {
    return this.#waiting.length
  }

  /** Resolves when everything is answered, or lost. */
  idle (): Promise<void> {
    if (this.#waiting.length === 0) return Promise.resolve()
    this.#onIdle ??= Promise.withResolvers()
    return this.#onIdle.promise
  }

  /** Rejects with UpstreamFailure. */
  send<A extends Api> (api: A, version: number, request: RequestInput<A>, { clientId, timeoutMs, sent, frame }: SendOptions): Promise<Response<A>> {
    if (this.#ended !== null) return Promise.reject(new UpstreamFailure(this.#ended, false))
    const correlationId = this.#correlationId = (this.#correlationId + 1) & 0x7fffffff
    // What its version cannot carry throws here, before anything is sent.
    const chunks = frame === undefined ? writeRequest(api, version, correlationId, clientId, request) : [readdressed(frame, correlationId)]
    const isSilent = api.key === Produce.key && (request as Request<typeof Produce>).acks === 0
    if (isSilent) {
      this.#isSilent = true
      this.#write(chunks)
      sent?.()
      return Promise.resolve(complete(api.response, { responses: [] }) as Response<A>)
    }
    const now = performance.now()
    return new Promise((resolve, reject) => {
      this.#waiting.push({ api, version, correlationId, sentAt: now, deadline: now + timeoutMs, resolve, reject })
      this.#write(chunks)
      sent?.()
    })
  }

  /** One sweep: gives up on a broker that does not answer in time. */
  tick (now: number): void {
    const oldest = this.#waiting[0]
    if (oldest !== undefined && now > oldest.deadline) {
      this.#fail(`the broker has not answered ${oldest.api.name} for ${Math.round((now - oldest.sentAt) / 1000)} s`)
    }
  }

  /** How long the oldest request has waited, in ms. */
  oldestMs (now: number): number {
    const oldest = this.#waiting[0]
    return oldest === undefined ? 0 : now - oldest.sentAt
  }

  /** Takes no more requests; what is under way is answered first. */
  finish (): void {
    this.#finishing = true
    if (this.#waiting.length === 0) this.#socket.end()
  }

  /** At once, for a reason of our own. */
  destroy (why: string): void {
    this.#end(why, false)
    this.#socket.destroy()
  }

  #fail (why: string): void {
    this.#end(why, true)
    this.#socket.destroy()
  }

  #write (chunks: readonly Buffer[]): void {
    const socket = this.#socket
    let bytes = 0
    if (chunks.length > 1) socket.cork()
    for (const chunk of chunks) {
      bytes += chunk.length
      socket.write(chunk)
    }
    if (chunks.length > 1) socket.uncork()
    this.#observer.sent(bytes)
  }

  /** What has come from the broker; the bytes are somebody else's as soon as this returns. */
  receive (chunk: Uint8Array): void {
    if (this.#ended !== null) return
    this.#observer.received(chunk.length)
    try {
      this.#assembler.push(chunk, this.#take)
    } catch (error) {
      // Whatever else it says cannot be told apart from nonsense.
      this.#fail(`the broker's answer makes no sense: ${(error as Error).message}`)
    }
  }

  readonly #take = (frame: Buffer): void => {
    const waiting = this.#waiting[0]
    if (waiting === undefined) throw new Error('nothing was asked')
    const { correlationId, body } = readResponse(waiting.api, waiting.version, frame)
    if (correlationId !== waiting.correlationId) throw new Error(`it is to request ${correlationId}, and ${waiting.correlationId} is next`)
    this.#waiting.shift()
    this.#isSilent = false
    this.#observer.answered(performance.now() - waiting.sentAt)
    waiting.resolve(body as never)
    if (this.#waiting.length > 0) return
    this.#onIdle?.resolve()
    this.#onIdle = null
    if (this.#finishing) this.#socket.end()
  }

  #end (why: string, isFault: boolean): void {
    if (this.#ended !== null) return
    this.#ended = why
    const cause = isFault && !(this.#finishing && this.#waiting.length === 0) ? why : null
    for (const { reject } of this.#waiting.splice(0)) reject(new UpstreamFailure(why, true))
    this.#onIdle?.resolve()
    if (!this.#socket.destroyed) this.#socket.destroySoon()
    this.#observer.ended(this, cause)
  }
}
