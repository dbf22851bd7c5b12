/**
 * Requests and answers of one connection, one at a time: from a frame to a request to the engine, and back to a frame.
 * There is one of these per connection and nothing per request but the request itself, its context and the engine's
 * promise.
 */
import { readRequest, readRequestHeader, type RequestHeader } from '../../protocol/frame.ts'
import type { Produce } from '../../protocol/messages/00-produce.ts'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import { Reader } from '../../protocol/reader.ts'
import type { Context, Dispatch } from '../../protocol/rpc.ts'
import type { Api, Response } from '../../protocol/schema.ts'
import type { Address, AddressOf } from './advertise.ts'
import { encodeAnswer, isSilent, silentFailure } from './answer.ts'
import type { Handshake } from './handshake.ts'
import type { Login, Outcome } from './login.ts'
import type { Peer } from './peer.ts'

/** The connection, as an exchange sees it. */
export interface Line {
  readonly closed: boolean
  send (frame: readonly Buffer[]): void
  /** The request in the engine is done with; the peer is to be held back for `throttleMs`. */
  done (throttleMs: number): void
  /** Kafka closes the connection upon this request, and there is nothing wrong with us. */
  hangUp (cause: 'unsupported' | 'acks0_failed', header: RequestHeader, sentence: string): void
  /** A step of an authentication is done with, or a request is refused for want of one. */
  heard (outcome: Outcome, header: RequestHeader | null): void
  /** A ProtocolError, or something that should not have been thrown. */
  fail (error: unknown, header: RequestHeader | null): void
}

export interface ExchangeHost {
  readonly dispatch: Dispatch
  readonly handshake: Handshake
  readonly advertised: Address | null
  /** Where other gateways are found. */
  readonly addressOf: AddressOf
  /** Told how long the event loop was busy with a request: with reading and dispatching it, and with writing its answer. */
  readonly work: ((context: Context, ms: number) => void) | null
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
  /** Null where nothing asks for credentials. */
  readonly #login: Login | null
  readonly #controller = new AbortController()
  #inFlight: InFlight | null = null
  #authenticating = false

  constructor (host: ExchangeHost, peer: Peer, login: Login | null, line: Line) {
    this.#host = host
    this.#peer = peer
    this.#login = login
    this.#line = line
  }

  /** For whoever is handed this as the connection of a request. */
  get software (): string | null {
    return this.#peer.software
  }

  /** Whether a request is in the engine, or a proof is being checked. */
  get busy (): boolean {
    return this.#inFlight !== null || this.#authenticating
  }

  /** Whether all that the engine is asked for is to read: of no use to a peer that has left. Anything else is carried out. */
  get onlyReads (): boolean {
    return this.#inFlight?.api === Fetch
  }

  /** Whether the next frame is a token of an authentication, without a header. */
  get expectsToken (): boolean {
    return this.#login !== null && this.#login.expectsToken
  }

  /** Tells the engine to stop waiting. */
  abort (reason: Error): void {
    this.#controller.abort(reason)
  }

  /** Answers a request frame, or hands it to the engine. Only while not busy. Throws ProtocolError. */
  take (frame: Buffer): void {
    const { handshake, dispatch, work } = this.#host
    const login = this.#login
    if (login?.expectsToken === true) return this.#wait(login.token(frame), null)
    const startedAt = work === null ? 0 : performance.now()
    const reader = new Reader(frame)
    const header = readRequestHeader(reader)
    const heard = login === null ? null : login.hear(header, reader)
    if (heard !== null) return this.#wait(heard, header)
    const own = handshake.answer(header, reader)
    if (own !== null) {
      if (own.software !== null) this.#peer.introduce(own.software)
      return this.#line.send(own.frame)
    }
    const api = handshake.find(header)
    if (typeof api === 'string') return this.#line.hangUp('unsupported', header, api)
    const request = readRequest(api, header.version, reader)
    const context: Context = {
      principal: this.#peer.principal,
      door: 'kafka',
      clientId: header.clientId ?? '',
      address: this.#peer.address,
      version: header.version,
      connection: this,
      signal: this.#controller.signal,
      throttleMs: 0
    }
    this.#inFlight = { api, header, context, silent: isSilent(api, request) }
    try {
      dispatch(api, request, context).then(this.#onResponse, this.#onFailure)
    } catch (error) {
      this.#onFailure(error)
    }
    if (work !== null) work(context, performance.now() - startedAt)
  }

  #wait (outcome: Promise<Outcome>, header: RequestHeader | null): void {
    this.#authenticating = true
    outcome.then(outcome => {
      this.#authenticating = false
      this.#line.heard(outcome, header)
    }, error => {
      this.#authenticating = false
      this.#line.fail(error, header)
    })
  }

  readonly #onResponse = (response: Response<Api>): void => {
    const { api, header, context, silent } = this.#inFlight!
    this.#inFlight = null
    try {
      if (silent) {
        const failure = silentFailure(response as Response<typeof Produce>)
        if (failure !== null) return this.#line.hangUp('acks0_failed', header, failure)
      } else if (!this.#line.closed) {
        const { work, advertised, addressOf } = this.#host
        const startedAt = work === null ? 0 : performance.now()
        this.#line.send(encodeAnswer(api, header, response, context.throttleMs, advertised ?? this.#peer.reached, addressOf))
        if (work !== null) work(context, performance.now() - startedAt)
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
