/**
 * Requests and answers of one connection, one at a time: from a frame to a request to the engine, and back to a frame.
 * There is one of these per connection and nothing per request but the request itself, its context and the engine's
 * promise.
 */
import { readRequest, readRequestHeader, type RequestHeader } from '../../protocol/frame.ts'
import type { Produce } from '../../protocol/messages/00-produce.ts'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import { Reader } from '../../protocol/reader.ts'
import { anonymous, type Context, type Dispatch } from '../../protocol/rpc.ts'
import type { Api, Response } from '../../protocol/schema.ts'
import type { Address } from './advertise.ts'
import { encodeAnswer, isSilent, silentFailure } from './answer.ts'
import type { Handshake } from './handshake.ts'
import type { Peer } from './peer.ts'

/** The connection, as an exchange sees it. */
export interface Line {
  readonly closed: boolean
  send (frame: readonly Buffer[]): void
  /** The request in the engine is done with; the peer is to be held back for `throttleMs`. */
  done (throttleMs: number): void
  /** Kafka closes the connection upon this request, and there is nothing wrong with us. */
  hangUp (cause: 'unsupported' | 'acks0_failed', header: RequestHeader, sentence: string): void
  /** A ProtocolError, or something that should not have been thrown. */
  fail (error: unknown, header: RequestHeader | null): void
}

export interface ExchangeHost {
  readonly dispatch: Dispatch
  readonly handshake: Handshake
  readonly advertised: Address | null
}

/** The request in the engine. */
interface InFlight {
  readonly api: Api
  readonly header: RequestHeader
  readonly context: Context
  /** There will be no answer. */
  readonly silent: boolean
}

export class Exchange {
  readonly #host: ExchangeHost
  readonly #peer: Peer
  readonly #line: Line
  readonly #controller = new AbortController()
  #inFlight: InFlight | null = null

  constructor (host: ExchangeHost, peer: Peer, line: Line) {
    this.#host = host
    this.#peer = peer
    this.#line = line
  }

  /** Whether a request is in the engine. */
  get busy (): boolean {
    return this.#inFlight !== null
  }

  /** Whether all that the engine is asked for is to read: of no use to a peer that has left. Anything else is carried out. */
  get onlyReads (): boolean {
    return this.#inFlight?.api === Fetch
  }

  /** Tells the engine to stop waiting. */
  abort (reason: Error): void {
    this.#controller.abort(reason)
  }

  /** Answers a request frame, or hands it to the engine. Only while not busy. Throws ProtocolError. */
  take (frame: Buffer): void {
    const { handshake, dispatch } = this.#host
    const reader = new Reader(frame)
    const header = readRequestHeader(reader)
    const own = handshake.answer(header, reader)
    if (own !== null) {
      if (own.software !== null) this.#peer.introduce(own.software)
      return this.#line.send(own.frame)
    }
    const api = handshake.find(header)
    if (typeof api === 'string') return this.#line.hangUp('unsupported', header, api)
    const request = readRequest(api, header.version, reader)
    const context: Context = {
      principal: anonymous,
      door: 'kafka',
      clientId: header.clientId ?? '',
      address: this.#peer.address,
      version: header.version,
      signal: this.#controller.signal,
      throttleMs: 0
    }
    this.#inFlight = { api, header, context, silent: isSilent(api, request) }
    try {
      dispatch(api, request, context).then(this.#onResponse, this.#onFailure)
    } catch (error) {
      this.#onFailure(error)
    }
  }

  readonly #onResponse = (response: Response<Api>): void => {
    const { api, header, context, silent } = this.#inFlight!
    this.#inFlight = null
    try {
      if (silent) {
        const failure = silentFailure(response as Response<typeof Produce>)
        if (failure !== null) return this.#line.hangUp('acks0_failed', header, failure)
      } else if (!this.#line.closed) {
        this.#line.send(encodeAnswer(api, header, response, context.throttleMs, this.#host.advertised ?? this.#peer.reached))
      }
    } catch (error) {
      // A response that its own version cannot carry: our fault, whatever was thrown.
      return this.#line.fail(new Error('The response could not be written.', { cause: error }), header)
    }
    this.#line.done(context.throttleMs)
  }

  readonly #onFailure = (error: unknown): void => {
    const { header } = this.#inFlight!
    const { signal } = this.#controller
    this.#inFlight = null
    const cancelled = signal.aborted && (error === signal.reason || (error as Error | null)?.name === 'AbortError')
    if (cancelled) this.#line.done(0)
    else this.#line.fail(error, header)
  }
}
