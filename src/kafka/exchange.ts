/**
 * Requests and answers of one connection: from a frame to a request to the engine, and back to a frame. One at a time, as in
 * Kafka; but a Produce may be begun while others are in the engine, once these cannot be overtaken (a cluster behind is a
 * round trip away, and producers send without waiting). Answers go out in the order of the requests in any case.
 */
import { readRequest, readRequestHeader, type RequestHeader } from '../../protocol/frame.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import { Reader } from '../../protocol/reader.ts'
import type { ClientConnection, Context, Dispatch } from '../../protocol/rpc.ts'
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
  /** The next request may be begun. */
  proceed (): void
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

/** A request in the engine. */
interface InFlight {
  readonly api: Api
  readonly header: RequestHeader
  readonly context: Context
  /** There will be no answer. */
  readonly silent: boolean
  /** What has become of it; it may have to wait for those before it. */
  outcome: { readonly response: Response<Api> } | { readonly error: unknown } | null
}

/** As many as Kafka's producers have under way (`max.in.flight.requests.per.connection`). */
const MAX_IN_FLIGHT = 5

export class Exchange implements ClientConnection {
  readonly #host: ExchangeHost
  readonly #peer: Peer
  readonly #line: Line
  /** Null where nothing asks for credentials. */
  readonly #login: Login | null
  readonly #controller = new AbortController()
  readonly #inFlight: InFlight[] = []
  /** The last of them has its place. */
  #isHandedOn = false
  /** It is being begun. */
  #isBeginning = false
  #authenticating = false
  /** What can be done only when all of them are answered. Nothing is taken before. */
  #afterwards: (() => void) | null = null

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
    return this.#inFlight.length > 0 || this.#authenticating || this.#afterwards !== null
  }

  /** Whether a request may be begun behind those in the engine, if it is one to `apiKey`. */
  mayOverlap (apiKey: number | null): boolean {
    return apiKey === Produce.key && this.#isHandedOn && this.#inFlight.length < MAX_IN_FLIGHT && !this.#authenticating && this.#afterwards === null
  }

  /** Whether all that the engine is asked for is to read: of no use to a peer that has left. Anything else is carried out. */
  get onlyReads (): boolean {
    return this.#inFlight[0]?.api === Fetch
  }

  /** Whether the next frame is a token of an authentication, without a header. */
  get expectsToken (): boolean {
    return this.#login !== null && this.#login.expectsToken
  }

  /** Tells the engine to stop waiting. */
  abort (reason: Error): void {
    this.#controller.abort(reason)
  }

  /** For the engine. */
  handedOn (context: Context): void {
    if (this.#inFlight.at(-1)?.context !== context) return
    this.#isHandedOn = true
    if (!this.#isBeginning) this.#line.proceed()
  }

  /** Answers a request frame, or hands it to the engine. Only while not busy, or if it may overlap. Throws ProtocolError. */
  take (frame: Buffer): void {
    this.#isBeginning = true
    try {
      this.#begin(frame)
    } catch (error) {
      if (this.#inFlight.length === 0) throw error
      this.#afterwards = () => this.#line.fail(error, null)
    } finally {
      this.#isBeginning = false
    }
  }

  #begin (frame: Buffer): void {
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
    if (typeof api === 'string') return this.#inTurn(() => this.#line.hangUp('unsupported', header, api))
    const request = readRequest(api, header.version, reader)
    const context: Context = {
      principal: this.#peer.principal,
      door: 'kafka',
      clientId: header.clientId ?? '',
      address: this.#peer.address,
      version: header.version,
      connection: this,
      received: { request, version: header.version, frame },
      signal: this.#controller.signal,
      throttleMs: 0
    }
    const one: InFlight = { api, header, context, silent: isSilent(api, request), outcome: null }
    this.#inFlight.push(one)
    this.#isHandedOn = false
    try {
      dispatch(api, request, context).then(response => this.#settle(one, { response }), error => this.#settle(one, { error }))
    } catch (error) {
      this.#settle(one, { error })
    }
    if (work !== null) work(context, performance.now() - startedAt)
  }

  #wait (outcome: Promise<Outcome>, header: RequestHeader | null): void {
    this.#authenticating = true
    outcome.then(outcome => this.#inTurn(() => {
      this.#authenticating = false
      this.#line.heard(outcome, header)
    }), error => this.#inTurn(() => {
      this.#authenticating = false
      this.#line.fail(error, header)
    }))
  }

  #inTurn (done: () => void): void {
    if (this.#inFlight.length === 0) done()
    else this.#afterwards = done
  }

  /** Says what can be said in the order of the requests. */
  #settle (one: InFlight, outcome: NonNullable<InFlight['outcome']>): void {
    one.outcome = outcome
    for (let first = this.#inFlight[0]; first !== undefined && first.outcome !== null; first = this.#inFlight[0]) {
      this.#inFlight.shift()
      if ('response' in first.outcome) this.#answer(first, first.outcome.response)
      else this.#refuse(first, first.outcome.error)
    }
    const afterwards = this.#afterwards
    if (afterwards === null || this.#inFlight.length > 0) return
    this.#afterwards = null
    afterwards()
  }

  #answer ({ api, header, context, silent }: InFlight, response: Response<Api>): void {
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

  #refuse ({ header }: InFlight, error: unknown): void {
    const { signal } = this.#controller
    const cancelled = signal.aborted && (error === signal.reason || (error as Error | null)?.name === 'AbortError')
    if (cancelled) this.#line.done(0)
    else this.#line.fail(error, header)
  }
}
